package brokertest

import "home.arpa/homehub/broker/embedded"

// MayPublish is an access policy that is about publishing only: everybody may read everything.
func MayPublish(may func(client, user, topic string) bool) embedded.Access { return writers(may) }

type writers func(client, user, topic string) bool

func (w writers) Permit(client, user string) embedded.Permit { return writer{w, client, user} }

type writer struct {
	may          writers
	client, user string
}

func (w writer) MayPublish(topic string) bool { return w.may(w.client, w.user, topic) }
func (writer) MayReceive(string) bool         { return true }
func (writer) MaySubscribe(string) bool       { return true }

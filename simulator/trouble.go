package simulator

import "strings"

// explain says in plain words what trouble with the broker is and what a person can do about it. detail is what the client
// says, which is made for people, too; its kind is found by its words. Each kind is told once, not for each device. The text
// is empty for what is no news: a connection that is lost is followed by one that is made again, or cannot be; one that was
// closed was to be closed.
func explain(detail string) (kind, text string) {
	for _, k := range []struct {
		words []string
		text  string
		tail  bool // the client's words help
	}{
		{
			[]string{"refuses it: bad user name", "refuses it: banned"},
			"the broker refused the login; use --user and --password-file", false,
		},
		{
			[]string{"refuses it: not authorized"}, // who they are, or what they leave as their will
			"the broker does not let the devices in; use --user and --password-file; the user needs the right to " + topicsOfAll(), false,
		},
		{[]string{"connection refused"}, "nobody listens at the broker's address; start the broker, or name another with --broker", true},
		{[]string{"no such host", "lookup "}, "the broker's name is not known; name another with --broker", true},
		{
			[]string{"x509:", "certificate"},
			"the broker's certificate is not trusted; name the certificate of its authority with --ca", true,
		},
		{
			[]string{"first record does not look like a TLS"},
			"the broker does not speak TLS at this port; use mqtt:// instead of mqtts://", false,
		},
		{
			[]string{"may not speak MQTT 5", "unsupported protocol version"},
			"the broker hung up; it may want TLS (mqtts://), or be too old: the devices need one that speaks MQTT 5", false,
		},
		{
			[]string{"taken over"},
			"another simulator of this house is on this broker, and the devices drive each other out; set this one's apart with --name", false,
		},
		{
			[]string{"publishing to "},
			"the broker refuses what the devices publish; give their user the right to " + topicsOfAll(), true,
		},
		{[]string{"lost the connection", "closed the connection"}, "", false},
	} {
		for _, w := range k.words {
			if strings.Contains(detail, w) {
				if text = k.text; k.tail {
					text += " (" + detail + ")"
				}
				return k.text, text
			}
		}
	}
	return "other", "the devices do not reach the broker and keep trying: " + detail
}

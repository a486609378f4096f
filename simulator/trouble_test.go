package simulator_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator"
)

// failing is a Client whose connection fails with a detail, over and over.
type failing struct {
	tape
	detail string
}

func (f *failing) Run(ctx context.Context, h broker.Handler) error {
	for range 3 {
		h.HandleLink(false, f.detail)
	}
	<-ctx.Done()
	return nil
}

func (f *failing) Sync(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestTroubleIsToldOnceWithWhatToDo(t *testing.T) {
	for detail, want := range map[string]string{
		"no connection to mqtt://h:1: connecting: dial tcp 127.0.0.1:1: connect: connection refused":                      "start the broker, or name another with --broker",
		"no connection to mqtt://h:1: connecting: dial tcp: lookup h: no such host":                                       "the broker's name is not known",
		"no connection to mqtt://h:1: logging in: the broker refuses it: bad user name or password":                       "the broker refused the login; use --user and --password-file",
		"no connection to mqtt://h:1: logging in: the broker refuses it: not authorized":                                  "the user needs the right to ",
		"no connection to mqtts://h:1: connecting: tls: failed to verify certificate: x509: unknown authority":            "--ca",
		"no connection to mqtts://h:1: connecting: tls: first record does not look like a TLS handshake":                  "mqtt:// instead of mqtts://",
		"no connection to mqtt://h:1: logging in: the broker hung up; it may not speak MQTT 5":                            "one that speaks MQTT 5",
		"lost the connection to mqtt://h:1: the broker ended it: session taken over by another connection with the same ": "set this one's apart with --name",
		"no connection to mqtt://h:1: i/o timeout":                                                                        "the devices do not reach the broker and keep trying: no connection",
		"lost the connection to mqtt://h:1: the broker hung up":                                                           "",
		"closed the connection to mqtt://h:1":                                                                             "",
	} {
		synctest.Test(t, func(t *testing.T) {
			told := make(chan string, 100)
			s, err := simulator.New(simulator.DefaultHouse(), simulator.Options{
				Connect: func(simulator.ClientOptions) (simulator.Client, error) { return &failing{detail: detail}, nil },
				Trouble: func(text string) { told <- text },
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
			defer stop()
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
			close(told)
			var all []string
			for text := range told {
				all = append(all, text)
			}
			switch {
			case want == "" && len(all) > 0:
				t.Errorf("%s: it said %q", detail, all)
			case want != "" && (len(all) != 1 || !strings.Contains(all[0], want)):
				t.Errorf("%s: it said %q, want once %q", detail, all, want)
			}
		})
	}
}

func TestABrokerThatIsNoneIsRefusedAtOnce(t *testing.T) {
	for _, b := range []simulator.Broker{{URL: "http://h"}, {URL: "mqtt://"}, {CAFile: "none"}, {PasswordFile: "none"}} {
		if _, err := simulator.New(simulator.DefaultHouse(), simulator.Options{Broker: b}); err == nil {
			t.Errorf("%+v is taken", b)
		}
	}
}

package web_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"home.arpa/homehub/web"
)

func TestMetrics(t *testing.T) {
	h := handler(t, newMemory(sampleHouse(start)...), web.Options{OpenLoopback: true, Authenticate: tokens, Broker: counted{}, Version: "1.2.3"})
	request{target: "/api/v1/devices/tv-plug"}.do(h)
	request{target: "/api/v1/devices/front-door"}.do(h)
	request{target: "/api/v1/devices", header: map[string]string{"Authorization": "Bearer bad"}}.do(h)
	request{method: "BREW", target: "/api/v1/devices"}.do(h)
	request{target: "/", host: "evil.example.org"}.do(h)
	text := request{target: "/metrics"}.do(h).Body.String()
	for _, line := range []string{
		`homehub_build_info{version="1.2.3"} 1`,
		`homehub_devices{presence="online"} 26`,
		`homehub_devices{presence="offline"} 1`,
		`homehub_devices{presence="asleep"} 1`,
		`homehub_devices{presence="unknown"} 0`,
		`homehub_commands_pending 2`,
		`homehub_messages_total 4711`,
		`homehub_faults_total 3`,
		`homehub_link_up 1`,
		`homehub_start_time_seconds 1.7951616e+09`,
		`homehub_broker_clients_connected 2`,
		`homehub_broker_messages_received_total{qos="0"} 7`,
		`homehub_broker_messages_received_total{qos="2"} 1`,
		`homehub_broker_messages_sent_total{qos="0"} 20`,
		`homehub_broker_messages_dropped_total{reason="queue_full"} 5`,
		`homehub_broker_refused_total{reason="password"} 6`,
		`homehub_broker_refused_total{reason="publish"} 8`,
		`homehub_broker_connections_total 9`,
		`homehub_broker_retained_bytes 4000`,
		`homehub_broker_queued_messages 3`,
		`homehub_broker_journal_written_bytes_total 1000`,
		`homehub_broker_journal_syncs_total 11`,
		`homehub_broker_journal_failed 1`,
		`homehub_broker_sent_bytes_total 0`,
		`homehub_broker_retained_messages 4`,
		`homehub_http_requests_total{code="200",method="GET",route="/api/v1/devices/{id}"} 2`,
		`homehub_http_requests_total{code="401",method="GET",route="/api/v1/devices"} 1`,
		`homehub_http_requests_total{code="405",method="other",route="/api/v1/devices"} 1`,
		`homehub_http_failed_logins_total 1`,
		`homehub_http_refused_total{reason="host"} 1`,
		`homehub_http_refused_total{reason="login"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(strings.ReplaceAll(line, " ", "{"), "{")
			t.Errorf("missing %s; there is %v", line, linesOf(text, name))
		}
	}
	for _, private := range []string{"DVES_1", "zigbee2mqtt", "tv-plug", "192.168.1.9"} {
		if strings.Contains(text, private) {
			t.Errorf("the metrics name %s", private)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "homehub_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	external := handler(t, newMemory(), web.Options{OpenLoopback: true})
	if text := (request{target: "/metrics"}).do(external).Body.String(); strings.Contains(text, "homehub_broker_") || !strings.Contains(text, "go_goroutines") {
		t.Error("with a broker elsewhere there must be the program's numbers and none of a broker's")
	}
}

func linesOf(text, name string) []string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

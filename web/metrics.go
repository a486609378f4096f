package web

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"home.arpa/homehub/devices"
)

// metrics are the numbers at /metrics, in a registry of their own. No label names a device or a client: their number has
// no bound.
type metrics struct {
	handler      http.Handler
	requests     *prometheus.CounterVec
	durations    *prometheus.HistogramVec
	refused      *prometheus.CounterVec
	failedLogins prometheus.Counter
	cutStreams   prometheus.Counter
	openStreams  atomic.Int64
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "homehub_http_requests_total", Help: "HTTP requests that were answered, by route, method and status.",
		}, []string{"route", "method", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "homehub_http_request_duration_seconds", Help: "Time to answer an HTTP request, without event streams.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10},
		}, []string{"route"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "homehub_http_refused_total", Help: "HTTP requests that were refused: host, origin, login or rate.",
		}, []string{"reason"}),
		failedLogins: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "homehub_http_failed_logins_total", Help: "Wrong tokens that were tried.",
		}),
		cutStreams: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "homehub_event_streams_cut_total", Help: "Event streams that were cut off because their reader was too slow.",
		}),
	}
	for _, reason := range []string{"host", "origin", "login", "rate"} {
		m.refused.WithLabelValues(reason)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "homehub_build_info", Help: "Always 1; the label tells the version.",
		ConstLabels: prometheus.Labels{"version": s.o.Version},
	})
	build.Set(1)
	streams := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "homehub_event_streams", Help: "Event streams that are open.",
	}, func() float64 { return float64(m.openStreams.Load()) })
	r := prometheus.NewRegistry()
	r.MustRegister(m.requests, m.durations, m.refused, m.failedLogins, m.cutStreams, build, streams, house{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorLog: promLog{s}})
	return m
}

// request counts an answered request under the pattern that it matched.
func (m *metrics) request(r *http.Request, code int, took time.Duration) {
	method := r.Method
	if !strings.Contains(" GET HEAD POST PATCH DELETE ", " "+method+" ") {
		method = "other"
	}
	m.requests.WithLabelValues(r.Pattern, method, strconv.Itoa(code)).Inc()
	if r.Pattern != "/api/v1/events" {
		m.durations.WithLabelValues(r.Pattern).Observe(took.Seconds())
	}
}

type promLog struct{ s *Server }

func (l promLog) Println(v ...any) { l.s.log.Error("collecting metrics failed", "error", v) }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("homehub_"+name, help, labels, nil)
}

var (
	devicesDesc  = desc("devices", "Devices that the hub knows, by presence.", "presence")
	pendingDesc  = desc("commands_pending", "Commands that have not ended.")
	messagesDesc = desc("messages_total", "MQTT messages that the hub has handled.")
	faultsDesc   = desc("faults_total", "Messages, or parts of them, that could not be understood.")
	eventsDesc   = desc("events_total", "Events of the feed.")
	linkDesc     = desc("link_up", "1 while the link to the broker is up.")
	startDesc    = desc("start_time_seconds", "When the hub started, in seconds since 1970.")

	clientsDesc       = desc("broker_clients_connected", "Clients that are connected to the broker.")
	connectionsDesc   = desc("broker_connections_total", "Connections of clients that were accepted.")
	refusedDesc       = desc("broker_refused_total", "What was refused: connections by why they were, messages (publish) and subscriptions (subscribe).", "reason")
	receivedDesc      = desc("broker_messages_received_total", "Messages that clients have published, by QoS.", "qos")
	sentDesc          = desc("broker_messages_sent_total", "Messages that were sent to clients, by QoS.", "qos")
	droppedDesc       = desc("broker_messages_dropped_total", "Messages that did not get where they should have, by reason.", "reason")
	bytesReceivedDesc = desc("broker_received_bytes_total", "Bytes that clients have sent.")
	bytesSentDesc     = desc("broker_sent_bytes_total", "Bytes that were sent to clients.")
	sessionsDesc      = desc("broker_sessions", "Sessions that the broker keeps, connected or not.")
	subscriptionsDesc = desc("broker_subscriptions", "Subscriptions of all sessions.")
	expiredDesc       = desc("broker_sessions_expired_total", "Sessions that ended because their client did not come back in time.")
	retainedDesc      = desc("broker_retained_messages", "Retained messages that the broker keeps.")
	retainedBytesDesc = desc("broker_retained_bytes", "Size of the retained messages.")
	queuedDesc        = desc("broker_queued_messages", "Messages that wait for clients or for their acknowledgement.")
	queuedBytesDesc   = desc("broker_queued_bytes", "Size of the queued messages.")
	journalBytesDesc  = desc("broker_journal_written_bytes_total", "Bytes that were written to the journal.")
	journalSyncsDesc  = desc("broker_journal_syncs_total", "Times that the journal was brought to the disk.")
	journalFailedDesc = desc("broker_journal_failed", "1 while the journal cannot be written.")
)

// house collects the numbers of the hub and the broker when they are asked for.
type house struct{ s *Server }

// Describe names nothing in advance, which the registry allows: what there is depends on the broker, and is checked when it is collected.
func (house) Describe(chan<- *prometheus.Desc) {}

// Collect tells the numbers of this moment.
func (h house) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	truth := func(d *prometheus.Desc, yes bool) {
		v := 0.0
		if yes {
			v = 1
		}
		gauge(d, v)
	}
	by := map[devices.Presence]int{devices.Unknown: 0, devices.Online: 0, devices.Offline: 0, devices.Starting: 0, devices.Asleep: 0, devices.Late: 0}
	for _, v := range h.s.hub.Devices() {
		by[v.Reach.Presence]++
	}
	for presence, n := range by {
		gauge(devicesDesc, float64(n), string(presence))
	}
	o := h.s.hub.Overview()
	gauge(pendingDesc, float64(o.Pending))
	counter(messagesDesc, o.Messages)
	counter(faultsDesc, o.Faults)
	counter(eventsDesc, o.LastEvent)
	truth(linkDesc, o.LinkUp)
	gauge(startDesc, float64(o.Started.UnixMilli())/1000)

	b := h.s.o.Broker
	if b == nil {
		return
	}
	c := b.Counters()
	gauge(clientsDesc, float64(c.Connected))
	counter(connectionsDesc, c.Connections)
	for reason, n := range c.Refused {
		counter(refusedDesc, n, reason)
	}
	for reason, n := range c.Dropped {
		counter(droppedDesc, n, reason)
	}
	for qos, n := range c.ReceivedByQoS {
		counter(receivedDesc, n, strconv.Itoa(qos))
	}
	for qos, n := range c.SentByQoS {
		counter(sentDesc, n, strconv.Itoa(qos))
	}
	counter(expiredDesc, c.Expired)
	counter(bytesReceivedDesc, c.BytesReceived)
	counter(bytesSentDesc, c.BytesSent)
	gauge(sessionsDesc, float64(c.Sessions))
	gauge(subscriptionsDesc, float64(c.Subscriptions))
	gauge(retainedDesc, float64(c.Retained))
	gauge(retainedBytesDesc, float64(c.RetainedBytes))
	gauge(queuedDesc, float64(c.Queued))
	gauge(queuedBytesDesc, float64(c.QueuedBytes))
	if c.JournalBytes == 0 && c.JournalErr == "" { // there is none
		return
	}
	counter(journalBytesDesc, c.JournalBytes)
	counter(journalSyncsDesc, c.JournalSyncs)
	truth(journalFailedDesc, c.JournalErr != "")
}

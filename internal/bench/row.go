package main

// row is one line of the table: a figure of one case, and what is promised of it.
type row struct {
	title  string
	of     string // the case's name
	figure figure
	digits int
	promise
	// paced rows are those in which wake-ups are the cost, where a goroutine for each connection cannot be ahead of a loop.
	paced bool
}

// rows are the table of promises.
var rows = []row{
	{title: "p2p QoS 0", of: "p2p-q0", figure: cpuPerMessage, digits: 2, promise: promise{ratioAtMost, 0.12}},
	{title: "p2p QoS 1", of: "p2p-q1", figure: cpuPerMessage, digits: 2, promise: promise{ratioAtMost, 0.14}},
	{title: "p2p QoS 2", of: "p2p-q2", figure: cpuPerMessage, digits: 2, promise: promise{ratioAtMost, 0.14}},
	{title: "fan-out QoS 0", of: "fanout-q0", figure: cpuPerMessage, digits: 2, promise: promise{ratioAtMost, 0.10}},
	{title: "fan-out QoS 1", of: "fanout-q1", figure: cpuPerMessage, digits: 2, promise: promise{ratioAtMost, 0.12}},
	{title: "fan-in QoS 0", of: "fanin-q0", figure: cpuPerMessage, digits: 2, promise: promise{ratioAtMost, 0.14}},
	{title: "shared QoS 1", of: "shared-q1", figure: cpuPerMessage, digits: 2, promise: promise{ratioAtMost, 0.20}},
	{title: "paced QoS 0", of: "paced-q0", figure: cpuPerMessage, digits: 1, promise: promise{ratioAtMost, 1.9}, paced: true},
	{title: "paced QoS 1", of: "paced-q1", figure: cpuPerMessage, digits: 1, promise: promise{ratioAtMost, 1.9}, paced: true},
	{title: "1,000 msg/s QoS 0", of: "latency-q0", figure: latencyP99, promise: promise{ratioAtMost, 1}, paced: true},
	{title: "1,000 msg/s QoS 1", of: "latency-q1", figure: latencyP99, promise: promise{ratioAtMost, 1}, paced: true},
	{title: "1,000 msg/s QoS 2", of: "latency-q2", figure: latencyP99, promise: promise{ratioAtMost, 1}, paced: true},
	{title: "5,000 retained messages, a fresh subscriber", of: "retained", figure: fetchTime, digits: 1, promise: promise{ratioLess, 1}},
	{title: "5,000 clients", of: "connect", figure: connectsPerS, promise: promise{ratioAtLeast, 0.4}},
	{title: "5,000 clients", of: "connect", figure: memoryPerConnect, digits: 1, promise: promise{atMost, 32}},
	{title: "5,000 clients, 20,000 retained messages", of: "idle", figure: idleCPU, digits: 2, promise: promise{less, 2}},
	{title: "50 publishers, 50 persistent subscribers", of: "durable", figure: acksPerSync, digits: 1, promise: promise{atLeast, 20}},
	{title: "50 publishers, 50 persistent subscribers", of: "durable", figure: strictPart, digits: 2, promise: promise{atLeast, 0.6}},
	{title: "reconnect storm, one core", of: "storm-secrets", figure: secretsBack, digits: 2, promise: promise{atMost, 10}},
	{title: "reconnect storm, one core", of: "storm-passwords", figure: passwordsBack, digits: 1, promise: promise{atMost, 60}},
	{title: "100 sensors, a retained QoS 0 value each second", of: "disk", figure: writtenHourly, digits: 1, promise: promise{less, 25}},
	{title: "10,000 queued and 20,000 retained messages", of: "restart", figure: readyAfter, digits: 2, promise: promise{less, 1}},
	{title: "10,000 queued and 20,000 retained messages", of: "restart", figure: cameBack, digits: 1, promise: promise{atLeast, 100}},
}

// details are figures without a promise, for the second table.
var details = []row{
	{title: "p2p QoS 0", of: "p2p-q0", figure: perSecond},
	{title: "p2p QoS 1", of: "p2p-q1", figure: perSecond},
	{title: "p2p QoS 2", of: "p2p-q2", figure: perSecond},
	{title: "fan-out QoS 0", of: "fanout-q0", figure: perSecond},
	{title: "fan-out QoS 1", of: "fanout-q1", figure: perSecond},
	{title: "fan-in QoS 0", of: "fanin-q0", figure: perSecond},
	{title: "shared QoS 1", of: "shared-q1", figure: perSecond},
	{title: "p2p QoS 1", of: "p2p-q1", figure: peakMemory, digits: 1},
	{title: "1,000 msg/s QoS 0", of: "latency-q0", figure: latencyMedian},
	{title: "1,000 msg/s QoS 1", of: "latency-q1", figure: latencyMedian},
	{title: "1,000 msg/s QoS 2", of: "latency-q2", figure: latencyMedian},
	{title: "1,000 msg/s QoS 0", of: "latency-q0", figure: latencyP999},
	{title: "1,000 msg/s QoS 1", of: "latency-q1", figure: latencyP999},
	{title: "1,000 msg/s QoS 2", of: "latency-q2", figure: latencyP999},
	{title: "5,000 clients", of: "connect", figure: cpuPerConnect},
	{title: "50 publishers, 50 persistent subscribers", of: "durable", figure: strictRate},
	{title: "50 publishers, 50 persistent subscribers", of: "durable", figure: relaxedRate},
	{title: "50 publishers, 50 persistent subscribers", of: "durable", figure: syncTakes},
	{title: "reconnect storm", of: "storm-secrets", figure: attempts},
	{title: "reconnect storm", of: "storm-passwords", figure: attempts},
}

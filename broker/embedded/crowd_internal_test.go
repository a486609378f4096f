package embedded

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/broker/embedded/journal"
)

// stall is a log that takes no word of a failing disk until it is ended. The journal, which is saying it, takes nothing from memory meanwhile,
// like one whose disk does not answer.
type stall struct {
	slog.Handler
	begun, end chan struct{}
}

func (*stall) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (s *stall) WithAttrs([]slog.Attr) slog.Handler         { return s }
func (s *stall) Handle(context.Context, slog.Record) error {
	close(s.begun)
	<-s.end
	return nil
}

// fill appends so many bytes to a journal.
func fill(l *ledger, bytes int) {
	for piece := make([]byte, 1<<20); bytes > 0; bytes -= len(piece) {
		w := l.log.Begin()
		w.Record(messageRecord)
		w.Bytes(piece)
		w.End()
		w.Commit()
	}
}

// stallable is a broker whose disk can cease to answer.
type stallable struct {
	t      *testing.T
	broker *Broker
	log    *stall
	folder string
	end    func() error
}

func openStallable(t *testing.T) *stallable {
	t.Helper()
	j := &stallable{t: t, log: &stall{slog.DiscardHandler, make(chan struct{}), make(chan struct{})}, folder: filepath.Join(t.TempDir(), "broker")}
	b, err := New(Options{Folder: j.folder, Logger: slog.New(j.log)})
	if err != nil {
		t.Fatal(err)
	}
	j.broker, j.end = b, b.write(t.Context())
	return j
}

// stall returns when the disk has ceased to answer.
func (j *stallable) stall() {
	j.t.Helper()
	if err := os.RemoveAll(j.folder); err != nil {
		j.t.Fatal(err)
	}
	fill(j.broker.ledger, 17<<20) // after which a checkpoint is due, and cannot be written
	<-j.log.begun
}

// finish ends a broker whose disk has ceased to answer, and its clients.
func (j *stallable) finish(clients ...*visitor) {
	j.t.Helper()
	close(j.log.end)
	for _, v := range clients {
		v.leave()
	}
	if err := j.end(); err == nil {
		j.t.Error("the journal was written although its folder is gone")
	}
}

// While the disk does not answer, those who have something for the journal wait, each for himself. With a lock, everybody would.
func TestWhoWaitsForTheDiskHoldsNoLock(t *testing.T) {
	for _, test := range []struct {
		name  string
		level journal.Level
		away  bool // the client has left before
		do    func(b *Broker, sub *visitor, s *session)
	}{
		{"one who acknowledges", journal.Pending, false, func(_ *Broker, sub *visitor, _ *session) {
			sub.send(pubackPacket<<4, []byte{0, 1})
		}},
		{"one who publishes", journal.Fresh, false, func(_ *Broker, sub *visitor, _ *session) {
			sub.send(publishPacket<<4|2|1, append(appendText(nil, "t"), 0, 1, 'x'))
		}},
		{"one who retains with QoS 0 when too much of that waits", journal.Fresh, false, func(b *Broker, sub *visitor, _ *session) {
			b.ledger.mu.Lock()
			b.ledger.soilSize = maxSoil
			b.ledger.mu.Unlock()
			sub.send(publishPacket<<4|1, append(appendText(nil, "kept"), 'x'))
		}},
		{"one whose connection breaks", journal.Pending, false, func(_ *Broker, sub *visitor, _ *session) {
			_ = sub.nc.Close()
		}},
		{"one who begins anew", journal.Fresh, true, func(b *Broker, sub *visitor, _ *session) {
			*sub = *knock(sub.t, b, "sub", cleanStart)
		}},
		{"a will that is due", journal.Pending, true, func(b *Broker, sub *visitor, _ *session) {
			b.registry.mu.Lock()
			defer b.registry.mu.Unlock()
			b.registry.wills["gone"] = &overdueWill{will: &will{message: &message{topic: "t", payload: []byte("x"), qos: 1, retain: true}}, due: time.Now()}
			go b.tidy(sub.t.Context(), time.Now())
		}},
		{"the end of a session", journal.Pending, true, func(b *Broker, sub *visitor, s *session) {
			go b.expire(sub.t.Context(), s, time.Now().Add(foreverIs*time.Second))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := openStallable(t)
				b := j.broker
				sub := knock(t, b, "sub", 0)
				sub.expect(connackPacket)
				sub.send(subscribePacket<<4|2, append(appendText([]byte{0, 1}, "t"), 1))
				sub.expect(9)
				var owed batch
				b.router.route(&message{topic: "t", qos: 1}, nil, nil, &owed, nil)
				owed.settle(t.Context())
				sub.expect(publishPacket)
				if test.away {
					sub.leave()
				}
				s := b.registry.sessions["sub"]

				j.stall()
				fill(b.ledger, int(test.level))
				before := b.ledger.log.Stats().Bytes
				test.do(b, sub, s)
				synctest.Wait()
				if n := b.ledger.log.Stats().Bytes - before; n > 0 {
					t.Errorf("%d bytes more wait in memory", n)
				}
				for name, lock := range map[string]interface {
					TryLock() bool
					Unlock()
				}{"registry": &b.registry.mu, "router": &b.router.mu, "session": &s.mu, "fence": &b.ledger.fence} {
					if !lock.TryLock() {
						t.Errorf("the lock of the %s is held", name)
						continue
					}
					lock.Unlock()
				}
				j.finish(sub)
			})
		})
	}
}

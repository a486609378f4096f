package embedded_test

import (
	"io"
	"log/slog"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"home.arpa/homehub/broker/embedded"
)

// visitor is a client that connects and leaves by system calls alone: what is allocated meanwhile is the broker's.
type visitor struct {
	fd     int
	hello  []byte
	answer [4]byte
}

// used is the processor time of this process, or of this thread.
func used(who int) time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(who, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkConnects is a hundred clients that come together, and leave when the last is in. The clients' processor time is not counted.
func BenchmarkConnects(b *testing.B) {
	const thread, count = 1, 100                                                                            // RUSAGE_THREAD
	_, address, _ := listening(b, embedded.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}) //nolint:sloglint // the lines are made
	at := syscall.Sockaddr(&syscall.SockaddrInet4{Port: int(netip.MustParseAddrPort(address).Port()), Addr: [4]byte{127, 0, 0, 1}})
	goodbye := []byte{0xE0, 0}
	visitors := make([]visitor, count)
	for i := range visitors {
		visitors[i].hello = hello{id: "visitor-000000", keepAlive: 60}.bytes()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	all, own := used(syscall.RUSAGE_SELF), used(thread)
	number := 0
	for b.Loop() {
		for i := range visitors {
			v := &visitors[i]
			number++
			for n, digit := number, len(v.hello)-1; n > 0; n, digit = n/10, digit-1 {
				v.hello[digit] = byte('0' + n%10)
			}
			must(b, v.come(at))
		}
		for i := range visitors {
			if _, err := syscall.Read(visitors[i].fd, visitors[i].answer[:]); err != nil || visitors[i].answer != [4]byte{0x20, 2, 0, 0} {
				b.Fatal(err, visitors[i].answer)
			}
		}
		for i := range visitors {
			_, err := syscall.Write(visitors[i].fd, goodbye)
			must(b, err)
			must(b, syscall.Close(visitors[i].fd))
		}
	}
	spent := used(syscall.RUSAGE_SELF) - all - (used(thread) - own)
	runtime.ReadMemStats(&after)
	connects := float64(b.N * count)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/connects, "ns/connect")
	b.ReportMetric(float64(spent.Nanoseconds())/connects, "cpu-ns/connect")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/connects, "allocs/connect")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/connects, "B/connect")
}

// come opens a connection and says hello. The number in the identifier makes it another client each time.
func (v *visitor) come(at syscall.Sockaddr) (err error) {
	if v.fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	if err = syscall.Connect(v.fd, at); err != nil {
		return err
	}
	_, err = syscall.Write(v.fd, v.hello)
	return err
}

func must(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}

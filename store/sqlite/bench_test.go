package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
	"home.arpa/homehub/store/sqlite"
)

// batch is one reading of each of 500 properties of 100 devices.
func batch(heard time.Time) []hub.Sample {
	samples := make([]hub.Sample, 0, 500)
	for i := range cap(samples) {
		v, err := devices.FloatValue(20 + float64(i)/10)
		if err != nil {
			panic(err)
		}
		samples = append(samples, hub.Sample{
			Path: devices.Path{
				Device: fmt.Sprintf("device-%d", i/5),
				Ref:    devices.Ref{Component: "sensor", Property: fmt.Sprintf("property-%d", i%5)},
			},
			Reading: devices.Reading{Value: v, Heard: heard},
		})
	}
	return samples
}

func benchStore(b *testing.B) (*sqlite.Store, string) {
	path := filepath.Join(b.TempDir(), "hub.db")
	s, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	for i := range 100 {
		if err := s.SaveDevice(b.Context(), hub.Record{Device: devices.Device{ID: fmt.Sprintf("device-%d", i)}}); err != nil {
			b.Fatal(err)
		}
	}
	return s, path
}

func BenchmarkSaveReadings500(b *testing.B) {
	s, path := benchStore(b)
	heard := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	n := 0
	for b.Loop() {
		n++
		if err := s.SaveReadings(b.Context(), batch(heard.Add(time.Duration(n)*10*time.Second))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	if info, err := os.Stat(path); err == nil {
		b.ReportMetric(float64(info.Size())/float64(500*n), "B/reading")
	}
}

func BenchmarkSaveCommand(b *testing.B) {
	s, _ := benchStore(b)
	c := devices.Command{ID: "1", Device: "device-1", Value: devices.BoolValue(true), Created: time.Now()}
	for b.Loop() {
		if err := s.SaveCommand(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHistory reads a page of the newest readings of one property, and a rare property's whole month.
func BenchmarkHistory(b *testing.B) {
	s, _ := benchStore(b)
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.Add(30 * 24 * time.Hour)
	for at := begin; at.Before(end); at = at.Add(time.Hour) {
		if err := s.SaveReadings(b.Context(), batch(at)[:50]); err != nil {
			b.Fatal(err)
		}
	}
	path := batch(begin)[7].Path
	for name, limit := range map[string]int{"newest 100": 100, "month": 1000} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.History(b.Context(), path, begin, end, limit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

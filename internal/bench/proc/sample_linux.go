package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// tick is the unit of /proc/stat: USER_HZ is 100 on all that Go runs on.
const tick = 10 * time.Millisecond

// Sample is a reading of a process, of this process and of the machine at one moment.
type Sample struct {
	at      time.Time
	process time.Duration // processor time of all threads, those that have ended included
	self    time.Duration
	busy    time.Duration // of all processes
	stolen  time.Duration // by the host of a virtual machine
}

// Take reads. With pid 0 there is no process besides this one.
func Take(pid int) Sample {
	s := Sample{at: time.Now(), self: clock(0)}
	if pid > 0 {
		s.process = clock(pid)
	}
	s.busy, s.stolen = machine()
	return s
}

// clock is the processor time of a process, 0: of this one. It is the kernel's own count in nanoseconds, the same that
// /proc/PID/stat gives in steps of 10 ms; a clock's number is made of the inverted process identifier and 2.
func clock(pid int) time.Duration {
	var ts struct{ sec, nsec int64 }
	id := ^pid<<3 | 2
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, uintptr(id), uintptr(unsafe.Pointer(&ts)), 0); errno != 0 {
		return 0
	}
	return time.Duration(ts.sec)*time.Second + time.Duration(ts.nsec)
}

// machine is the time that all processors have worked for processes (not for interrupts, which nobody can be charged with),
// and the time that was stolen from them.
func machine() (busy, stolen time.Duration) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(data), "\n")
	fields := strings.Fields(line)
	at := func(i int) time.Duration {
		if i >= len(fields) {
			return 0
		}
		n, _ := strconv.ParseInt(fields[i], 10, 64) // 0 when it is no number
		return time.Duration(n) * tick
	}
	return at(1) + at(2) + at(3), at(8)
}

// Usage is what happened between two samples.
type Usage struct {
	// Wall is the time that passed.
	Wall time.Duration
	// Process and Self are processor time of the process and of this one.
	Process, Self time.Duration
	// Others is processor time of everybody else, and what was stolen.
	Others time.Duration
}

// Until returns what happened from s to the later sample t.
func (s Sample) Until(t Sample) Usage {
	u := Usage{Wall: t.at.Sub(s.at), Process: t.process - s.process, Self: t.self - s.self}
	u.Others = max(0, t.busy-s.busy-u.Process-u.Self) + t.stolen - s.stolen
	return u
}

// And returns what happened in u and v together.
func (u Usage) And(v Usage) Usage {
	return Usage{Wall: u.Wall + v.Wall, Process: u.Process + v.Process, Self: u.Self + v.Self, Others: u.Others + v.Others}
}

// Share is a processor time as a part of the wall time: 1 is one processor all the time.
func (u Usage) Share(of time.Duration) float64 {
	if u.Wall <= 0 {
		return 0
	}
	return float64(of) / float64(u.Wall)
}

// Resident is a process's resident memory in bytes, ResidentPeak its greatest since the last ResetPeak.
func Resident(pid int) (int64, error) { return status(pid, "VmRSS") }

// ResidentPeak is described at Resident.
func ResidentPeak(pid int) (int64, error) { return status(pid, "VmHWM") }

// ResetPeak makes ResidentPeak begin anew. What goes wrong makes the peak too great, so it is not reported.
func ResetPeak(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

func status(pid int, name string) (int64, error) {
	kilobytes, err := field(fmt.Sprintf("/proc/%d/status", pid), name)
	return kilobytes * 1024, err
}

// Written is how many bytes a process has caused to be written to disks: the pages that it made dirty, journals of the file
// system not included. Memory file systems do not count.
func Written(pid int) (int64, error) { return field(fmt.Sprintf("/proc/%d/io", pid), "write_bytes") }

// field reads a number that stands behind "name:" in a file.
func field(path, name string) (int64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", name, err)
	}
	for line := range strings.Lines(string(data)) {
		value, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		parts := strings.Fields(value)
		if len(parts) == 0 {
			break
		}
		n, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading %s of %s: %w", name, path, err)
		}
		return n, nil
	}
	return 0, fmt.Errorf("reading %s: %s does not have it", name, path)
}

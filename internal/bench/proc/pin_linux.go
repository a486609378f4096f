package proc

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// mask is a set of processors as the kernel wants it.
type mask [16]uint64

func (m *mask) add(processor int) { m[processor/64] |= 1 << (processor % 64) }

// allowed returns the processors that a thread may use, 0: the calling one.
func allowed(thread int) (mask, error) {
	var m mask
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, uintptr(thread), unsafe.Sizeof(m), uintptr(unsafe.Pointer(&m))); errno != 0 {
		return m, fmt.Errorf("asking which processors may be used: %w", errno)
	}
	return m, nil
}

func allow(thread int, m mask) error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, uintptr(thread), unsafe.Sizeof(m), uintptr(unsafe.Pointer(&m))); errno != 0 {
		return fmt.Errorf("pinning to a processor: %w", errno)
	}
	return nil
}

// Processors lists the processors that this process may use.
func Processors() ([]int, error) {
	m, err := allowed(0)
	if err != nil {
		return nil, err
	}
	var list []int
	for i := range len(m) * 64 {
		if m[i/64]&(1<<(i%64)) != 0 {
			list = append(list, i)
		}
	}
	return list, nil
}

// PinSelf lets all threads of this process, and those that they will make, use one processor only.
func PinSelf(processor int) error {
	var m mask
	m.add(processor)
	for range 2 { // a thread that was made meanwhile by one that was not pinned yet
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("pinning to processor %d: %w", processor, err)
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			if err := allow(id, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// On runs start, which makes a process, so that the new process may use one processor only; this process stays as it is.
func On(processor int, start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := allowed(0)
	if err != nil {
		return err
	}
	var m mask
	m.add(processor)
	if err := allow(0, m); err != nil {
		return err
	}
	err = start()
	if back := allow(0, before); err == nil {
		err = back
	}
	return err
}

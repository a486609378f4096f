//go:build darwin || freebsd || linux

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// asOwner runs f with the rights of the folder's owner if root calls it for a folder of somebody else's, so that what f makes
// there can be read by the hub, which runs as that owner.
func asOwner(folder string, f func() error) (err error) {
	if os.Geteuid() != 0 {
		return f()
	}
	info, err := os.Stat(folder)
	if err != nil {
		return f() // it is made, or f says why it cannot be
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return f()
	}
	group := os.Getegid()
	if err := errors.Join(syscall.Setegid(int(stat.Gid)), syscall.Seteuid(int(stat.Uid))); err != nil {
		return fmt.Errorf("acting as the owner of %s: %w", folder, err)
	}
	defer func() {
		if back := errors.Join(syscall.Seteuid(0), syscall.Setegid(group)); back != nil {
			err = errors.Join(err, fmt.Errorf("acting as root again: %w", back))
		}
	}()
	return f()
}

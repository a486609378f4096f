//go:build !unix

package app

import "io"

type noLock struct{}

func (noLock) Close() error { return nil }

// lockFolder does nothing where there is no flock: there the taken ports keep a second hub away.
func lockFolder(string) (io.Closer, error) { return noLock{}, nil }

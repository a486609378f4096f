//go:build !(darwin || freebsd || linux)

package main

// asOwner runs f: there is no root here who would write what the hub cannot read.
func asOwner(_ string, f func() error) error { return f() }

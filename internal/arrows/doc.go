// Package arrows holds the test that keeps the packages' dependencies as docs/architecture.md draws them. It has no other
// code.
package arrows

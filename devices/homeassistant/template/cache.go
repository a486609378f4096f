package template

import "sync"

// The limits of a Cache.
const (
	maxCached      = 1024
	maxCachedBytes = 256 << 10 // of sources
)

// Cache compiles templates and remembers them by their source, since all devices of a kind are announced with the same ones. The zero
// value is ready; several goroutines may use it at once. When it is full it forgets everything and begins anew, so that who makes up
// templates costs others no more than their compilation.
type Cache struct {
	mu    sync.Mutex
	known map[string]*Template
	bytes int
}

// Compile is the function of that name. What cannot be compiled is not remembered.
func (c *Cache) Compile(source string) (*Template, error) {
	c.mu.Lock()
	t := c.known[source]
	c.mu.Unlock()
	if t != nil {
		return t, nil
	}
	t, err := Compile(source)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxCached || c.bytes+len(source) > maxCachedBytes {
		c.known, c.bytes = nil, 0
	}
	if c.known == nil {
		c.known = map[string]*Template{}
	}
	if c.known[source] == nil {
		c.bytes += len(source)
	}
	c.known[source] = t
	return t, nil
}

package homeassistant

import (
	"strings"
	"sync"

	"home.arpa/homehub/broker"
)

// interest knows which topics some entity reads, so that Parse, in the publishers' goroutines, need not read the JSON of those
// that nobody does. Only the hub's goroutine changes it.
type interest struct {
	mu    sync.RWMutex
	names map[string]bool
	wild  broker.Trie[string, bool]
}

func (i *interest) add(filter string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if strings.ContainsAny(filter, "+#") {
		i.wild.Set(filter, filter, true)
		return
	}
	if i.names == nil {
		i.names = map[string]bool{}
	}
	i.names[filter] = true
}

func (i *interest) drop(filter string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.names, filter)
	i.wild.Delete(filter, filter)
}

func (i *interest) has(topic string) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	if i.names[topic] {
		return true
	}
	if i.wild.Len() == 0 {
		return false
	}
	found := false
	i.wild.Match(topic, func(string, bool) { found = true })
	return found
}

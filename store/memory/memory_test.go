package memory_test

import (
	"testing"

	"home.arpa/homehub/hub"
	"home.arpa/homehub/hub/storetest"
	"home.arpa/homehub/store/memory"
)

func TestStore(t *testing.T) {
	stores := map[string]*memory.Store{}
	storetest.Run(t, func(_ *testing.T, dir string) hub.Store {
		if stores[dir] == nil {
			stores[dir] = memory.New()
		}
		return stores[dir]
	})
}

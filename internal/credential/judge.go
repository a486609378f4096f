package credential

import (
	"crypto/subtle"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

const (
	// waitingPerName is the greatest number of different questions about one name that wait for an answer, so that who
	// guesses at one name's password keeps nobody else out. Beyond it the answer is no.
	waitingPerName = 8
	// waitingStrangers is the same for all unknown names together.
	waitingStrangers = 32
	// remembered is the greatest number of answers that are remembered; beyond it any one is forgotten.
	remembered = 4096
	// wrongFor is how long a wrong secret is remembered: a device that tries it every second costs nothing.
	wrongFor = time.Minute
)

// gate lets few calls of argon2id run at once, and makes pretended ones take the same time.
type gate struct {
	slots  chan struct{} // for real ones
	feints chan struct{} // for pretended ones, which only sleep
	hash   func(secret, salt []byte, c cost, length int) []byte
	took   atomic.Int64  // nanoseconds of the last real one, 0 before the first
	first  chan struct{} // holds a token while a stranger who came before the first real one is hashed
}

// shared is the gate of the whole program: at most two at once, and never more than half the processors.
var shared = newGate(min(2, max(1, runtime.NumCPU()/2)), func(secret, salt []byte, c cost, length int) []byte {
	return argon2.IDKey(secret, salt, c.Time, c.Memory, c.Threads, uint32(length))
})

func newGate(n int, hash func(secret, salt []byte, c cost, length int) []byte) *gate {
	return &gate{slots: make(chan struct{}, n), feints: make(chan struct{}, n), first: make(chan struct{}, 1), hash: hash}
}

// derive returns the hash of a secret that an entry would have; length is in bytes.
func (g *gate) derive(e *entry, secret string, length int) []byte {
	g.slots <- struct{}{}
	defer func() { <-g.slots }()
	begin := time.Now()
	text := []byte(secret)
	if e.Mosquitto != nil {
		text = e.Mosquitto.sum(secret)
	}
	hash := g.hash(text, e.Salt, *e.Argon2, length)
	g.took.Store(int64(time.Since(begin)))
	return hash
}

// feint takes about as long as derive with nobody's password, so that a stranger cannot tell which names there are; but it
// sleeps, so that a storm of unknown names costs no processor and delays nobody who is known.
func (g *gate) feint() {
	g.feints <- struct{}{}
	defer func() { <-g.feints }()
	if g.took.Load() == 0 && g.measure() {
		return
	}
	time.Sleep(time.Duration(g.took.Load()))
}

// measure finds out how long a real one takes, unless that is known when it is this stranger's turn.
func (g *gate) measure() bool {
	g.first <- struct{}{}
	defer func() { <-g.first }()
	if g.took.Load() != 0 {
		return false
	}
	g.derive(newSlow("", Password), "", hashLength)
	return true
}

// judge answers whether secrets are right, each question once.
type judge struct {
	gate *gate
	key  []byte // of this process: what is remembered is of no use elsewhere

	mu    sync.Mutex
	asked map[question]*answer
	// waiting counts the questions without an answer by name; those about unknown names are under the empty one.
	waiting map[string]int
}

// question is an HMAC of everything that decides the answer: the name, the secret, and the kept hash with its salt. A name
// that is removed or gets another secret makes other questions, so that nothing remembered can be out of date.
type question [32]byte

type answer struct {
	done  chan struct{} // closed when right and until are set
	right bool
	until time.Time // zero: while there is room
}

func newJudge(g *gate) *judge {
	return &judge{gate: g, key: random(32), asked: map[question]*answer{}, waiting: map[string]int{}}
}

// verify says whether secret is the one of e, which is nil for an unknown name. slow says that there are passwords in the
// file, so that every no has to look like theirs.
func (j *judge) verify(e *entry, name, secret string, slow bool) bool {
	if e != nil && e.Kind == Generated {
		if typed, _, ok := normal(secret); ok && e.matchesGenerated(typed) {
			return true
		}
	}
	if !slow { // then it is nobody's, or one's with a generated secret
		return false
	}
	var q question
	group, most := "", waitingStrangers
	if e == nil {
		copy(q[:], mac(j.key, name, secret))
	} else {
		copy(q[:], mac(j.key, name, secret, string(e.Salt), string(e.Hash)))
		group, most = e.Name, waitingPerName
	}
	a, mine := j.ask(q, group, most)
	if a == nil {
		return false
	}
	if mine {
		right := false
		defer func() { j.close(a, group, right) }() // also when the hash panics, or everybody would wait for ever
		if e != nil && e.Kind.slow() {
			hash := j.gate.derive(e, secret, len(e.Hash))
			right = subtle.ConstantTimeCompare(hash, e.Hash) == 1
		} else {
			j.gate.feint()
		}
		return right
	}
	<-a.done
	return a.right
}

// ask returns the answer to q, and whether the caller has to find it; nil when most of the group are being looked for.
func (j *judge) ask(q question, group string, most int) (a *answer, mine bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if a := j.asked[q]; a != nil && (a.until.IsZero() || time.Now().Before(a.until)) {
		return a, false
	}
	if j.waiting[group] >= most {
		return nil, false
	}
	for old, a := range j.asked { // any one: the order of a map is random
		if len(j.asked) < remembered {
			break
		}
		select {
		case <-a.done:
			delete(j.asked, old)
		default: // somebody waits for it
		}
	}
	a = &answer{done: make(chan struct{})}
	j.asked[q] = a
	j.waiting[group]++
	return a, true
}

func (j *judge) close(a *answer, group string, right bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.waiting[group]--; j.waiting[group] == 0 {
		delete(j.waiting, group)
	}
	a.right = right
	if !right {
		a.until = time.Now().Add(wrongFor)
	}
	close(a.done)
}

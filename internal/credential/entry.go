package credential

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A generated secret is prefix, an ID of idLength characters by which its entry is found, and 128 random bits in base32:
// 32 characters, since some devices' forms take no more.
const (
	prefix       = "hh"
	idLength     = 4
	secretLength = len(prefix) + idLength + 26
)

// letters are base32 in digits and small letters without those that look like another: i, l, o and u.
const letters = "0123456789abcdefghjkmnpqrstvwxyz"

var base = base32.NewEncoding(letters).WithPadding(base32.NoPadding)

// entry is a kept secret as it is in the file.
type entry struct {
	Name    string    `json:"name"`
	Kind    Kind      `json:"kind"`
	Created time.Time `json:"created"`
	// ID is the part of a generated secret that is no secret.
	ID string `json:"id,omitempty"`
	// Argon2 is how a password was hashed.
	Argon2 *cost `json:"argon2id,omitempty"`
	// Mosquitto is how an imported password was hashed before.
	Mosquitto *digest `json:"mosquitto,omitempty"`
	Salt      []byte  `json:"salt"`
	Hash      []byte  `json:"hash"`
}

// cost are the parameters of argon2id: memory in KiB.
type cost struct {
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
}

// standard is OWASP's second choice (19 MiB, two passes): around 30 ms on a desktop machine, some 150 ms on a Raspberry Pi. A house of 500
// devices with a password each, none of them remembered, costs 500 of them: 12 s of one desktop core (BenchmarkStorm). Five times as much
// would no longer be within a minute.
var standard = cost{Time: 2, Memory: 19 * 1024, Threads: 1}

// hashLength is the length of a hash in bytes; that of an imported one may be another.
const hashLength = 32

func newPassword(name, secret string, g *gate) *entry {
	e := newSlow(name, Password)
	e.Hash = g.derive(e, secret, hashLength)
	return e
}

// newSlow returns an entry without its hash.
func newSlow(name string, kind Kind) *entry {
	c := standard
	return &entry{Name: name, Kind: kind, Created: time.Now().UTC().Truncate(time.Second), Argon2: &c, Salt: random(16)}
}

func newGenerated(name string) (e *entry, secret string) {
	id := base.EncodeToString(random(5))[:idLength]
	secret = prefix + id + base.EncodeToString(random(16))
	e = &entry{Name: name, Kind: Generated, Created: time.Now().UTC().Truncate(time.Second), ID: id, Salt: random(16)}
	e.Hash = mac(e.Salt, secret)
	return e, secret
}

// matchesGenerated compares in constant time.
func (e *entry) matchesGenerated(secret string) bool {
	return e.Kind == Generated && subtle.ConstantTimeCompare(mac(e.Salt, secret), e.Hash) == 1
}

// same says whether two entries keep the same secret, of which one may be no more.
func (e *entry) same(now *entry) bool {
	return now != nil && bytes.Equal(e.Salt, now.Salt) && bytes.Equal(e.Hash, now.Hash)
}

// normal brings a generated secret that somebody typed into the form in which it was made, and takes its ID out; ok is
// false when it cannot be one.
func normal(secret string) (same, id string, ok bool) {
	if len(secret) != secretLength {
		return "", "", false
	}
	same = strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(strings.ToLower(secret))
	rest, ok := strings.CutPrefix(same, prefix)
	if !ok || len(same) != secretLength || strings.Trim(rest, letters) != "" {
		return "", "", false
	}
	return same, rest[:idLength], true
}

func mac(key []byte, texts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return h.Sum(nil)
}

// check refuses an entry that Add and Generate cannot have written, so that a damaged file is noticed and no parameter of
// it can stop the program.
func (e *entry) check() error {
	if err := checkName(e.Name); err != nil {
		return fmt.Errorf("entry %q: %w", e.Name, err)
	}
	if !e.Kind.slow() && len(e.Hash) != hashLength || !properSalt(e.Salt) || !properHash(e.Hash) {
		return fmt.Errorf("entry %q has no proper salt and hash", e.Name)
	}
	if e.Kind.slow() && !e.Argon2.proper() {
		return fmt.Errorf("entry %q has no proper argon2id parameters", e.Name)
	}
	switch e.Kind {
	case Password:
	case Imported:
		if !e.Mosquitto.proper() {
			return fmt.Errorf("entry %q has no proper parameters of Mosquitto", e.Name)
		}
	case Generated:
		if len(e.ID) != idLength || strings.Trim(e.ID, letters) != "" {
			return fmt.Errorf("entry %q has no proper id", e.Name)
		}
	default:
		return fmt.Errorf("entry %q is of an unknown kind %q", e.Name, e.Kind)
	}
	return nil
}

func properSalt(salt []byte) bool { return len(salt) >= 8 && len(salt) <= 64 }
func properHash(hash []byte) bool { return len(hash) >= 16 && len(hash) <= 64 }

func (c *cost) proper() bool {
	return c != nil && c.Time >= 1 && c.Time <= 16 && c.Memory >= 8 && c.Memory <= 256*1024 && c.Threads >= 1 && c.Threads <= 16
}

// content is what a file holds. It is not changed once it has been handed out.
type content struct {
	entries   []*entry
	byName    map[string]*entry
	byID      map[string]*entry
	passwords int
}

func newContent(entries []*entry) (*content, error) {
	c := &content{entries: entries, byName: map[string]*entry{}, byID: map[string]*entry{}}
	for _, e := range entries {
		if e == nil {
			return nil, errors.New("an entry is null")
		}
		if err := e.check(); err != nil {
			return nil, err
		}
		if c.byName[e.Name] != nil || e.ID != "" && c.byID[e.ID] != nil {
			return nil, fmt.Errorf("entry %q is there twice", e.Name)
		}
		c.byName[e.Name] = e
		if e.Kind.slow() {
			c.passwords++
		} else {
			c.byID[e.ID] = e
		}
	}
	return c, nil
}

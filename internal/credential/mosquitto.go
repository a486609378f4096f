package credential

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// digest is how Mosquitto hashed a password: with a salt and SHA-512 once, or with PBKDF2 over SHA-512.
type digest struct {
	// Iterations of PBKDF2; 0 means SHA-512 once.
	Iterations int    `json:"iterations,omitempty"`
	Salt       []byte `json:"salt"`
}

// maxIterations bounds what one login can cost; mosquitto_passwd does 101 unless it is told otherwise.
const maxIterations = 1_000_000

func (d *digest) proper() bool {
	return d != nil && len(d.Salt) >= 1 && len(d.Salt) <= 64 && d.Iterations >= 0 && d.Iterations <= maxIterations
}

func (d *digest) sum(secret string) []byte {
	if d.Iterations == 0 {
		sum := sha512.Sum512(slices.Concat([]byte(secret), d.Salt))
		return sum[:]
	}
	sum, err := pbkdf2.Key(sha512.New, secret, d.Salt, d.Iterations, sha512.Size)
	if err != nil { // a policy of the machine forbids it
		return nil // which no password has
	}
	return sum
}

// Hashed is the name and the hash of somebody whose password only Mosquitto has seen.
type Hashed struct {
	Name string
	// Line counts from 1.
	Line int

	sum    []byte
	digest digest
	argon2 *cost // not nil: it is argon2id already, with the salt in digest
}

// ParseMosquitto reads Mosquitto's password file. It returns what can be imported, and why the rest cannot, an error for each line; path is for
// messages only. The errors hold no secrets.
func ParseMosquitto(path string, data []byte) (list []Hashed, problems []error) {
	lines := map[string]int{}
	number := 0
	for text := range bytes.Lines(data) {
		number++
		line := strings.TrimSpace(string(text))
		if line == "" || line[0] == '#' {
			continue
		}
		h, err := parseHashed(line)
		h.Line = number
		if first := lines[h.Name]; err == nil && first > 0 {
			err = fmt.Errorf("%q is there already, on line %d", h.Name, first)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", path, number, err))
			continue
		}
		lines[h.Name] = number
		list = append(list, h)
	}
	return list, problems
}

// parseHashed reads a line: a name, a colon, and parts that begin with $.
func parseHashed(line string) (Hashed, error) {
	name, rest, ok := strings.Cut(line, ":")
	h := Hashed{Name: strings.TrimSpace(name)}
	if !ok {
		return Hashed{}, errors.New("it is not a name, a colon and a hash")
	}
	if err := checkName(h.Name); err != nil {
		return Hashed{}, fmt.Errorf("user %q: %w", h.Name, err)
	}
	parts := strings.Split(strings.TrimSpace(rest), "$")
	var err error
	switch {
	case parts[0] != "" || len(parts) == 1:
		err = errors.New("the password is not hashed; mosquitto_passwd -U hashes those of a file, or make the user anew with hub user add")
	case parts[1] == "6" && len(parts) == 4:
		err = h.read(parts[2], parts[3])
	case parts[1] == "7" && len(parts) == 5:
		h.digest.Iterations, err = strconv.Atoi(parts[2])
		if err != nil || h.digest.Iterations < 1 || h.digest.Iterations > maxIterations {
			err = fmt.Errorf("the iterations of its hash are not a number from 1 to %d", maxIterations)
			break
		}
		err = h.read(parts[3], parts[4])
	case parts[1] == "argon2id" && len(parts) == 6:
		err = h.readArgon2(parts[2:])
	default:
		err = errors.New("the hash is none of $6$, $7$ and $argon2id$ with their parts")
	}
	if err != nil {
		return Hashed{}, fmt.Errorf("user %q: %w", h.Name, err)
	}
	return h, nil
}

var errParts = errors.New("the salt or the hash is cut off or damaged")

func (h *Hashed) read(salt, sum string) (err error) {
	if h.digest.Salt, err = base64.StdEncoding.DecodeString(salt); err != nil || !h.digest.proper() {
		return errParts
	}
	if h.sum, err = base64.StdEncoding.DecodeString(sum); err != nil || len(h.sum) != sha512.Size {
		return errParts
	}
	return nil
}

// readArgon2 reads the parts of argon2's own form: v=19, m=MEMORY,t=TIME,p=THREADS, the salt and the hash in base64 without its
// padding.
func (h *Hashed) readArgon2(parts []string) (err error) {
	h.argon2 = new(cost)
	c := h.argon2
	form := "m=%d,t=%d,p=%d"
	if n, err := fmt.Sscanf(parts[1], form, &c.Memory, &c.Time, &c.Threads); n != 3 || err != nil || parts[0] != "v=19" ||
		fmt.Sprintf(form, c.Memory, c.Time, c.Threads) != parts[1] || !c.proper() {
		return errors.New("the parameters of its argon2id are not usual ones")
	}
	base := base64.RawStdEncoding
	if h.digest.Salt, err = base.DecodeString(strings.TrimRight(parts[2], "=")); err != nil || !properSalt(h.digest.Salt) {
		return errParts
	}
	if h.sum, err = base.DecodeString(strings.TrimRight(parts[3], "=")); err != nil || !properHash(h.sum) {
		return errParts
	}
	return nil
}

// entry is what is kept of it. What Mosquitto hashed quickly is hashed again with argon2id, at once: so the file never holds a hash that is
// quick to guess at, nobody has to log in first, and no login has to change the file. It takes as long as a login.
func (h *Hashed) entry(g *gate) *entry {
	if h.argon2 != nil {
		e := newSlow(h.Name, Password)
		e.Argon2, e.Salt, e.Hash = h.argon2, h.digest.Salt, h.sum
		return e
	}
	e := newSlow(h.Name, Imported)
	e.Hash = g.derive(e, string(h.sum), hashLength)
	e.Mosquitto = &h.digest
	return e
}

// Import keeps what ParseMosquitto has read. Names that are there already stay as they are; it returns those that it has added. Nothing is
// added when there is an error, which wraps ErrDamaged or is the file system's.
func (f *File) Import(list []Hashed) (added []string, err error) {
	known, err := f.current(true)
	if err != nil {
		return nil, fmt.Errorf("importing: %w", err)
	}
	var entries []*entry
	for _, h := range list {
		if known.byName[h.Name] == nil {
			entries = append(entries, h.entry(f.judge.gate))
		}
	}
	if len(entries) == 0 {
		return nil, nil
	}
	err = f.edit("importing", fmt.Sprintf("%d users", len(entries)), func(c *content) error {
		for _, e := range entries {
			switch err := c.add(e); {
			case err == nil:
				added = append(added, e.Name)
			case !errors.Is(err, ErrExists): // somebody else was quicker
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return added, nil
}

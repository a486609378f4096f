package credential

// SetHash replaces argon2id by hash, of which at most n run at once.
func (f *File) SetHash(n int, hash func(secret string, salt []byte) []byte) {
	f.judge = newJudge(newGate(n, func(secret, salt []byte, _ cost, _ int) []byte { return hash(string(secret), salt) }))
}

// Limits of the judge.
const (
	WaitingPerName   = waitingPerName
	WaitingStrangers = waitingStrangers
	Remembered       = remembered
)

// Answers is the number of answers that are remembered.
func (f *File) Answers() int {
	f.judge.mu.Lock()
	defer f.judge.mu.Unlock()
	return len(f.judge.asked)
}

// Standard are the parameters with which passwords are hashed.
var Standard = standard

package credential_test

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"home.arpa/homehub/internal/credential"
)

// slow is a hash that takes 50 ms and counts how often it is computed, and how often at once.
type slow struct{ calls, running, most atomic.Int32 }

func (s *slow) hash(secret string, salt []byte) []byte {
	s.calls.Add(1)
	now := s.running.Add(1)
	defer s.running.Add(-1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
	time.Sleep(50 * time.Millisecond)
	return sum(secret, salt)
}

// storm opens the credentials of a path with a slow hash.
func storm(path string) (*credential.File, *slow) {
	f, s := credential.Open(path), new(slow)
	f.SetHash(2, s.hash)
	return f, s
}

// house makes a file with n users, user-0 with the password secret-0 and so on.
func house(t *testing.T, n int) string {
	t.Helper()
	path := users(t)
	f := open(path)
	for i := range n {
		must(t, f.Add(fmt.Sprintf("user-%d", i), fmt.Sprintf("secret-%d", i)))
	}
	return path
}

func TestReconnectStormIsHashedTwoAtOnceAndThenRemembered(t *testing.T) {
	path := house(t, 40)
	synctest.Test(t, func(t *testing.T) {
		f, s := storm(path)
		var wg sync.WaitGroup
		for i := range 40 * 5 { // five devices to a user
			wg.Go(func() {
				if !f.Verify(fmt.Sprintf("user-%d", i%40), fmt.Sprintf("secret-%d", i%40)) {
					t.Errorf("device %d was refused", i)
				}
			})
		}
		wg.Wait()
		if s.most.Load() != 2 || s.calls.Load() != 40 {
			t.Errorf("%d hashes, %d at once, want 40 and 2", s.calls.Load(), s.most.Load())
		}
		time.Sleep(24 * time.Hour)
		for i := range 40 {
			if !f.Verify(fmt.Sprintf("user-%d", i), fmt.Sprintf("secret-%d", i)) {
				t.Errorf("user %d was refused at the reconnect", i)
			}
		}
		if s.calls.Load() != 40 {
			t.Errorf("%d hashes after the reconnect, want 40", s.calls.Load())
		}
	})
}

// In a storm a login waits for seconds, and its user may be removed meanwhile.
func TestWhoIsRemovedWhileHeWaitsIsRefused(t *testing.T) {
	path := house(t, 2)
	synctest.Test(t, func(t *testing.T) {
		f, other := credential.Open(path), open(path)
		f.SetHash(1, func(secret string, salt []byte) []byte {
			time.Sleep(time.Second)
			if secret == "secret-0" {
				must(t, other.Remove("user-0"))
			}
			return sum(secret, salt)
		})
		if f.Verify("user-0", "secret-0") {
			t.Error("a user who is no more is let in")
		}
		if !f.Verify("user-1", "secret-1") {
			t.Error("another one is refused")
		}
	})
}

func TestWrongPasswordIsRememberedForAMinute(t *testing.T) {
	path := house(t, 1)
	synctest.Test(t, func(t *testing.T) {
		f, s := storm(path)
		for range 60 {
			if f.Verify("user-0", "wrong") {
				t.Fatal("a wrong password was taken")
			}
			time.Sleep(time.Second)
		}
		if n := s.calls.Load(); n != 1 {
			t.Errorf("%d hashes for the same wrong password within a minute, want 1", n)
		}
		time.Sleep(time.Minute)
		if f.Verify("user-0", "wrong") || s.calls.Load() != 2 {
			t.Errorf("%d hashes later, want 2", s.calls.Load())
		}
	})
}

func TestRememberedAnswerGoesWithThePassword(t *testing.T) {
	path := house(t, 1)
	synctest.Test(t, func(t *testing.T) {
		f, _ := storm(path)
		if !f.Verify("user-0", "secret-0") || f.Verify("user-0", "new") {
			t.Fatal("the first password does not work")
		}
		must(t, f.Remove("user-0"))
		if f.Verify("user-0", "secret-0") {
			t.Error("a removed user is let in")
		}
		must(t, f.Add("user-0", "new"))
		if f.Verify("user-0", "secret-0") || !f.Verify("user-0", "new") {
			t.Error("the old password counts, or the new one does not")
		}
	})
}

func TestStrangersCostTimeButNoHashAndDelayNobody(t *testing.T) {
	path := house(t, 2)
	synctest.Test(t, func(t *testing.T) {
		f, s := storm(path)
		if !f.Verify("user-0", "secret-0") {
			t.Fatal("the user was refused")
		}
		duration := func(name, secret string) time.Duration {
			begin := time.Now()
			f.Verify(name, secret)
			return time.Since(begin)
		}
		if wrong, unknown := duration("user-0", "wrong"), duration("stranger", "wrong"); wrong != unknown {
			t.Errorf("a wrong password takes %v, an unknown name %v", wrong, unknown)
		}
		before := s.calls.Load()
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() { f.Verify(fmt.Sprintf("stranger-%d", i), "x") })
		}
		synctest.Wait()
		if d := duration("user-1", "secret-1"); d != 50*time.Millisecond {
			t.Errorf("a user waited %v behind strangers", d)
		}
		begin := time.Now()
		wg.Wait()
		if d := time.Since(begin); d > credential.WaitingStrangers*50*time.Millisecond {
			t.Errorf("strangers were kept for %v", d)
		}
		if n := s.calls.Load() - before; n != 1 {
			t.Errorf("%d hashes, want the user's one", n)
		}
	})
}

func TestFirstStrangerCostsAsMuchAsAUser(t *testing.T) {
	path := house(t, 1)
	synctest.Test(t, func(t *testing.T) {
		f, s := storm(path)
		begin := time.Now()
		if f.Verify("stranger", "x"); time.Since(begin) != 50*time.Millisecond || s.calls.Load() != 1 {
			t.Errorf("it took %v and %d hashes, want 50ms and 1", time.Since(begin), s.calls.Load())
		}
	})
}

func TestGuessingAtOneNameKeepsNobodyElseOut(t *testing.T) {
	path := house(t, 3)
	synctest.Test(t, func(t *testing.T) {
		f, s := storm(path)
		if !f.Verify("user-1", "secret-1") {
			t.Fatal("the user was refused")
		}
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				if f.Verify("user-1", fmt.Sprintf("guess-%d", i)) {
					t.Errorf("guess %d was taken", i)
				}
			})
		}
		synctest.Wait()
		if !f.Verify("user-0", "secret-0") {
			t.Error("another user was refused")
		}
		if !f.Verify("user-1", "secret-1") {
			t.Error("the user at whom they guess was refused at the reconnect")
		}
		wg.Wait()
		if n := s.calls.Load(); n != credential.WaitingPerName+2 {
			t.Errorf("%d hashes, want %d", n, credential.WaitingPerName+2)
		}
	})
}

func TestGeneratedSecretsAreNeverHashedSlowly(t *testing.T) {
	path := users(t)
	synctest.Test(t, func(t *testing.T) {
		f, s := storm(path)
		secret, err := f.Generate("plug")
		must(t, err)
		begin := time.Now()
		if !f.Verify("plug", secret) || f.Verify("plug", "wrong") || f.Verify("stranger", "wrong") {
			t.Error("the wrong one was let in, or the right one was not")
		}
		if s.calls.Load() != 0 || time.Since(begin) != 0 {
			t.Errorf("it took %d hashes and %v", s.calls.Load(), time.Since(begin))
		}
		must(t, f.Add("anna", "x")) // now a quick no would tell that plug is known
		begin = time.Now()
		if f.Verify("plug", "wrong"); time.Since(begin) != 50*time.Millisecond {
			t.Errorf("a wrong secret took %v beside a password, want 50ms", time.Since(begin))
		}
	})
}

func TestMemoryOfAnswersIsBounded(t *testing.T) {
	path := house(t, 1)
	f := open(path)
	f.Verify("user-0", "secret-0")
	for i := range credential.Remembered * 2 {
		if f.Verify("user-0", fmt.Sprint(i)) {
			t.Fatal("a wrong password was taken")
		}
	}
	if !f.Verify("user-0", "secret-0") {
		t.Error("the right password is refused after many wrong ones")
	}
	if n := f.Answers(); n > credential.Remembered {
		t.Errorf("%d answers are remembered, want at most %d", n, credential.Remembered)
	}
}

func TestTwoHandlesLoseNoChange(t *testing.T) {
	path := users(t)
	var wg sync.WaitGroup
	for h := range 4 {
		f := open(path)
		for i := range 10 {
			wg.Go(func() {
				name := fmt.Sprintf("%d-%d", h, i)
				if err := f.Add(name, "x"); err != nil {
					t.Error(err)
				}
				if !f.Verify(name, "x") {
					t.Errorf("%s was refused", name)
				}
			})
		}
	}
	wg.Wait()
	if list, err := open(path).List(); err != nil || len(list) != 40 {
		t.Errorf("%d names are left (%v), want 40", len(list), err)
	}
}

func TestTwoProcessesLoseNoChange(t *testing.T) {
	const file, who = "HOMEHUB_TEST_CREDENTIALS", "HOMEHUB_TEST_WHO"
	if path := os.Getenv(file); path != "" {
		for i := range 15 {
			_, err := open(path).Generate(fmt.Sprintf("%s-%d", os.Getenv(who), i))
			must(t, err)
		}
		return
	}
	path := users(t)
	var wg sync.WaitGroup
	for _, name := range []string{"one", "two", "three"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), file+"="+path, who+"="+name)
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	if list, err := open(path).List(); err != nil || len(list) != 45 {
		t.Errorf("%d names are left (%v), want 45", len(list), err)
	}
}

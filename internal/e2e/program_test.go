package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "home.arpa/homehub/internal/app" // the programs are built from these
	_ "home.arpa/homehub/simulator"
)

// limit bounds every wait of these tests; reaching it is a failure, never a result.
const limit = time.Minute

var bin string // the folder of the built programs

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "homehub-e2e-")
	if err != nil {
		panic(err)
	}
	build := exec.Command("go", "build", "-o", dir, "home.arpa/homehub/cmd/hub", "home.arpa/homehub/cmd/simulator")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
		os.RemoveAll(dir)
		os.Exit(1)
	}
	bin = dir
	if signal.Ignored(syscall.SIGHUP) { // by nohup, say, which the programs would inherit: what is caught here is not ignored there
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// ours is the path of one of our programs; the path of any other program stays as it is.
func ours(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	readSources()
	return filepath.Join(bin, path)
}

// readSources makes go test forget a kept result when a program has changed: it looks at the packages that a test imports (see
// above) and at the files that a test reads.
var readSources = sync.OnceFunc(func() {
	sources, err := filepath.Glob("../../cmd/*/*.go")
	if err != nil || len(sources) == 0 {
		panic(fmt.Sprint("finding the programs' sources: ", err))
	}
	for _, file := range sources {
		if _, err := os.ReadFile(file); err != nil {
			panic(err)
		}
	}
})

// program is a running program of ours or another's.
type program struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error

	mu    sync.Mutex
	lines []string
	news  chan struct{} // a token when there is a new line
}

// start runs a program until the test's end; its two outputs are read line by line.
func start(t *testing.T, path string, args ...string) *program {
	t.Helper()
	return startWith(t, nil, path, args...)
}

// startWith is start with something to read.
func startWith(t *testing.T, input io.Reader, path string, args ...string) *program {
	t.Helper()
	path = ours(path)
	p := &program{t: t, name: filepath.Base(path), cmd: exec.Command(path, args...), done: make(chan struct{}), news: make(chan struct{}, 1)}
	p.cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	r, w := io.Pipe()
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = input, w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", p.name, err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.mu.Lock()
			p.lines = append(p.lines, lines.Text())
			p.mu.Unlock()
			select {
			case p.news <- struct{}{}:
			default:
			}
		}
	}()
	go func() {
		p.err = p.cmd.Wait()
		w.Close()
		<-read
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Signal(os.Interrupt) // so that it can put its things away
		select {
		case <-p.done:
		case <-time.After(5 * time.Second):
			p.cmd.Process.Kill()
			<-p.done
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.text())
		}
	})
	return p
}

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// expect waits until the program's whole output matches, and returns the match.
func (p *program) expect(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	end := time.After(limit)
	for {
		if m := re.FindStringSubmatch(p.text()); m != nil {
			return m
		}
		select {
		case <-p.news:
		case <-p.done:
			if m := re.FindStringSubmatch(p.text()); m != nil {
				return m
			}
			p.t.Fatalf("%s ended (%v) without saying %q", p.name, p.err, pattern)
		case <-end:
			p.t.Fatalf("%s has not said %q within %s", p.name, pattern, limit)
		}
	}
}

// stop sends Ctrl-C, waits for the end, and wants exit code 0, which the hub has only when each of its parts has stopped in time.
func (p *program) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatalf("stopping %s: %v", p.name, err)
	}
	select {
	case <-p.done:
	case <-time.After(limit):
		p.t.Fatalf("%s does not stop", p.name)
	}
	if p.err != nil {
		p.t.Errorf("%s ended with %v", p.name, p.err)
	}
}

// call runs a program to its end and returns what it printed (both outputs) and its exit code.
func call(t *testing.T, path string, args ...string) (string, int) {
	t.Helper()
	path = ours(path)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %s: %v", path, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// must runs a program that has to succeed.
func must(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, code := call(t, path, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit %d\n%s", filepath.Base(path), strings.Join(args, " "), code, out)
	}
	return out
}

// eventually calls f until it says yes.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("%s: not within %s", what, limit)
}

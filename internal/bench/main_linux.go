package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"home.arpa/homehub/internal/bench/proc"
)

// bench is one run of the program.
type bench struct {
	sizes
	folder    string // everything temporary
	profiles  string // where profiles of the hub are kept; empty: none are taken
	brokerCPU int
	repeats   int
	again     int // how often a run that other processes have disturbed is repeated
	log       io.Writer
}

func main() {
	// All brokers are started by this thread and end with it. It is also the generator's, so that it stays on its processor.
	runtime.LockOSThread()
	if len(os.Args) > 1 && os.Args[1] == profiledCommand {
		if err := serveProfiled(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("cases", "", "run only the cases that match this regular `expression`")
	list := flags.Bool("list", false, "list the cases")
	repeats := flags.Int("repeats", 3, "run each case `n` times; the table has the medians")
	again := flags.Int("again", 2, "repeat a run that other processes have disturbed at most `n` times")
	hub := flags.String("hub", "", "measure this `program` instead of building the hub")
	against := flags.String("against", "", "also measure another build of the hub, this `program`")
	peers := flags.Bool("peers", true, "also measure Mosquitto, and FlashMQ where it is found")
	raw := flags.String("raw", "", "also write every run's figures to this `file`, as JSON")
	profiles := flags.String("profile", "", "take profiles of the hub, as this program runs it, into this `folder`")
	folder := flags.String("folder", "", "make temporary folders in this `folder`, which should be on a real disk (default: the system's)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("reading -cases: %w", err)
	}
	if *list {
		for _, c := range cases {
			fmt.Println(c.name)
		}
		return nil
	}
	b := &bench{sizes: promised, profiles: *profiles, repeats: *repeats, again: *again, log: os.Stderr}
	if b.folder, err = os.MkdirTemp(*folder, "homehub-bench-"); err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(b.folder)
	products, err := b.products(ctx, *hub, *against, *peers)
	if err != nil {
		return err
	}
	if err := b.prepare(); err != nil {
		return err
	}
	r := b.runAll(ctx, products, wanted)
	b.describe(os.Stdout)
	r.write(os.Stdout)
	if missing := r.missing(); missing != "" {
		fmt.Fprintln(b.log, "not measured:", missing)
	}
	if *raw != "" {
		text, err := json.MarshalIndent(r.runs, "", "\t")
		if err != nil {
			return fmt.Errorf("writing the figures: %w", err)
		}
		if err := os.WriteFile(*raw, append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("writing the figures: %w", err)
		}
	}
	return ctx.Err()
}

// products are the brokers to measure, the hub first. Ratios are taken to the first one that is no hub.
func (b *bench) products(ctx context.Context, hub, against string, peers bool) ([]*product, error) {
	var list []*product
	switch {
	case b.profiles != "":
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("looking for this program: %w", err)
		}
		if b.profiles, err = filepath.Abs(b.profiles); err != nil {
			return nil, fmt.Errorf("making the folder for profiles: %w", err)
		}
		if err := os.MkdirAll(b.profiles, 0o700); err != nil {
			return nil, fmt.Errorf("making the folder for profiles: %w", err)
		}
		return []*product{hubProduct("the hub", self, profiledCommand)}, nil
	case hub == "":
		hub = filepath.Join(b.folder, "hub")
		if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", hub, "home.arpa/homehub/cmd/hub").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building the hub: %w: %s", err, out)
		}
	}
	hub, err := filepath.Abs(hub)
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", hub, err)
	}
	list = append(list, hubProduct("the hub", hub, "serve"))
	if peers {
		others, err := b.peers()
		if err != nil {
			return nil, err
		}
		list = append(list, others...)
	}
	if against != "" {
		if against, err = filepath.Abs(against); err != nil {
			return nil, fmt.Errorf("looking for %s: %w", against, err)
		}
		list = append(list, hubProduct("the other hub", against, "serve"))
	}
	return list, nil
}

// peers are the brokers of others that are installed.
func (b *bench) peers() (list []*product, err error) {
	if path, found := find("mosquitto"); found {
		p, err := mosquitto(path)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	} else {
		fmt.Fprintln(b.log, "left out: mosquitto is not installed (apt-get install mosquitto); the promises about ratios are not measured")
	}
	path, found := os.Getenv("FLASHMQ"), true
	if path == "" {
		path, found = find("flashmq")
	}
	if found {
		p, err := flashmq(path)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	} else {
		fmt.Fprintln(b.log, "left out: FlashMQ is neither in PATH nor named by FLASHMQ")
	}
	return list, nil
}

// prepare pins this process to the second processor; brokers get the first.
func (b *bench) prepare() error {
	processors, err := proc.Processors()
	if err != nil {
		return err
	}
	if len(processors) < 2 {
		return errors.New("checking the machine: it takes two processors, one for the broker and one for the load")
	}
	b.brokerCPU = processors[0]
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("asking how many files may be open: %w", err)
	}
	if limit.Cur = limit.Max; limit.Max < 6000 {
		return fmt.Errorf("checking the machine: only %d files may be open at once, 5,000 connections need more (ulimit -Hn)", limit.Max)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil { // for the brokers: Go raises only its own
		return fmt.Errorf("allowing more open files: %w", err)
	}
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	return proc.PinSelf(processors[1])
}

// runAll runs the cases, each broker in turn within each repetition.
func (b *bench) runAll(ctx context.Context, products []*product, wanted *regexp.Regexp) *results {
	var base string
	var names []string
	for _, p := range products {
		if names = append(names, p.name); base == "" && !p.hub {
			base = p.name
		}
	}
	r := newResults(base, names...)
	for n := range b.repeats {
		for _, c := range cases {
			if !wanted.MatchString(c.name) || c.once && n > 0 {
				continue
			}
			for _, group := range c.groups(products) {
				b.runOne(ctx, r, c, group, n)
				if ctx.Err() != nil {
					return r
				}
			}
		}
	}
	return r
}

// runOne runs a case with fresh brokers, one or those that take turns, again if others have disturbed it. The last run counts.
func (b *bench) runOne(ctx context.Context, r *results, c benchCase, group []*product, n int) {
	for again := 0; ; again++ {
		list, err := b.try(ctx, c, group, n)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			names := group[0].name
			for _, p := range group[1:] {
				names += ", " + p.name
			}
			fmt.Fprintf(b.log, "%s, %s: %v\n", c.name, names, err)
			r.fail(c.name, names, err)
			return
		}
		for i, f := range list {
			fmt.Fprintf(b.log, "%d %s, %s: %s\n", n+1, c.name, group[i].name, f)
		}
		if !slices.ContainsFunc(list, figures.disturbed) || again >= b.again || c.once {
			for i, f := range list {
				r.add(c.name, group[i].name, f)
			}
			return
		}
		fmt.Fprintln(b.log, "  other processes were busy: once more")
	}
}

// try runs a case with fresh brokers.
func (b *bench) try(ctx context.Context, c benchCase, group []*product, n int) ([]figures, error) {
	var stands []*stand
	for _, p := range group {
		s, err := b.newStand(p, fmt.Sprintf("%s-%d", c.name, n+1))
		if err != nil {
			return nil, err
		}
		defer s.clear()
		stands = append(stands, s)
	}
	defer runtime.GC() // before the next run, not in it
	if c.turns != nil {
		return c.turns(ctx, stands)
	}
	f, err := c.run(ctx, stands[0])
	return []figures{f}, err
}

// describe says where the figures come from.
func (b *bench) describe(w io.Writer) {
	var system syscall.Utsname
	_ = syscall.Uname(&system)
	var release []byte
	for _, c := range system.Release {
		if c == 0 {
			break
		}
		release = append(release, byte(c))
	}
	fmt.Fprintf(w, "%s, Linux %s, %s/%s; broker on one processor, load on another; medians of %d runs.\n",
		processorName(), release, runtime.Version(), runtime.GOARCH, b.repeats)
	if note := diskNote(b.folder); note != "" {
		fmt.Fprintln(w, note)
	}
}

func processorName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unknown processor"
}

// diskNote warns of a folder in memory, on which syncs are for free and nothing counts as written.
func diskNote(folder string) string {
	const inMemory = 0x01021994 // TMPFS_MAGIC
	var fs syscall.Statfs_t
	if syscall.Statfs(folder, &fs) == nil && fs.Type == inMemory {
		return "The temporary folder is in memory: the figures about syncs and written bytes mean nothing (see -folder)."
	}
	return ""
}

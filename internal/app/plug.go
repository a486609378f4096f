package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"home.arpa/homehub/internal/outage"
	"home.arpa/homehub/simulator"
)

const (
	// plugLimit is how long one step may take, such as coming back, until it counts as failed.
	plugLimit = time.Minute
	// plugCount is how many messages each witness publishes in a round, plugPace the time between two of them: two seconds of load,
	// half of which have passed when the plug is pulled, and less than what the broker queues for one that is away.
	plugCount = 1000
	plugPace  = 2 * time.Millisecond
)

// Plug says how PullThePlug does it.
type Plug struct {
	// Program is the path of the hub's program, which is started and killed.
	Program string
	// Rounds is how often. 0: 3 times.
	Rounds int
	// Devices and Seed are the simulated house's, as in Demo.
	Devices int
	Seed    uint64
}

// Pulled is what PullThePlug found.
type Pulled struct {
	// Devices is how many the house has.
	Devices int
	Rounds  []PlugRound
	// Verdict is the witnesses' over all rounds.
	Verdict outage.Verdict
}

// PlugRound is one time that the plug was pulled.
type PlugRound struct {
	// Acknowledged counts the witnesses' messages that had been acknowledged in this round when the plug was pulled.
	Acknowledged int
	// Back is how long it took from the start of the program to the first acknowledged message.
	Back time.Duration
	// First and All are how long it took until the first and the last device of the house had its connection back, save the one
	// without power.
	First, All time.Duration
	// Commands are those that were on their way.
	Commands []PlugCommand
}

// Kept says whether nothing was lost: no promise to a witness broken, no command forgotten.
func (p Pulled) Kept() bool {
	for _, r := range p.Rounds {
		for _, c := range r.Commands {
			if c.Lost() {
				return false
			}
		}
	}
	return p.Verdict.Violations() == 0
}

// plug is PullThePlug at work.
type plug struct {
	program   outage.Program
	process   *outage.Process
	said      tail
	witnesses *outage.Witnesses
	house     *simulator.Simulator
	api       *api
	lamps     []string // devices to command
	screen    printer
}

// PullThePlug starts the hub as a process of its own, with its data in a temporary folder, connects a simulated house and witnesses that
// note all that they send and get, kills it under load, starts it again, and says what was lost. It reports to o.Out as it goes. The
// process never outlives the call. An error says that there is no result: a hub that does not start, or does not come back.
func PullThePlug(ctx context.Context, d Plug, o Options) (result Pulled, err error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	dir, err := os.MkdirTemp("", "homehub-plug-")
	if err != nil {
		return result, fmt.Errorf("making a folder for the data: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p := &plug{screen: printer{w: o.Out}}
	if err := p.prepare(d, o, filepath.Join(dir, "data")); err != nil {
		return result, err
	}
	if err := p.start(); err != nil {
		return result, err
	}
	defer func() { p.stop() }()

	ctx, cancel := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer cancel()
	clients.Go(func() { _ = p.witnesses.Run(ctx) }) // it returns nil when ctx ends; so does the next one
	clients.Go(func() { _ = p.house.Run(ctx) })
	if err := p.settleIn(ctx); err != nil {
		return result, err
	}
	result.Devices = len(p.house.Devices())
	if d.Rounds == 0 {
		d.Rounds = 3
	}
	p.screen.begin(result.Devices, d.Rounds)
	for i := range d.Rounds {
		round, err := p.round(ctx, i)
		if err != nil {
			return result, fmt.Errorf("pulling the plug in round %d: %w", i+1, err)
		}
		result.Rounds = append(result.Rounds, round)
		p.screen.round(i+1, result.Devices, round)
	}
	err = p.step(ctx, "waiting for the wills of clients that are gone", func(ctx context.Context) error {
		return p.witnesses.Finish(ctx, outage.AfterDelays)
	})
	result.Verdict = p.witnesses.Verdict(outage.AfterDelays)
	p.screen.verdict(result)
	return result, err
}

// prepare makes everything and starts nothing.
func (p *plug) prepare(d Plug, o Options, data string) error {
	plan := simulator.DefaultHouse()
	if d.Devices > 0 {
		var err error
		if plan, err = plan.Resize(d.Devices); err != nil {
			return err
		}
	}
	mqtt, err := outage.FreeAddress()
	if err != nil {
		return err
	}
	web, err := outage.FreeAddress()
	if err != nil {
		return err
	}
	p.api = newAPI(web)
	p.house, err = simulator.New(plan, simulator.Options{Broker: simulator.Broker{URL: "mqtt://" + mqtt}, Seed: d.Seed, Quiet: true, Logger: o.Log})
	if err != nil {
		return err
	}
	p.witnesses, err = outage.New(outage.Options{Address: mqtt, Pace: plugPace, Grace: plugLimit / 2, Logger: o.Log})
	if err != nil {
		return err
	}
	p.program = outage.Program{
		Path: d.Program, Env: without("HUB_"), Out: &p.said,
		Args: []string{"serve", "--data-dir", data, "--mqtt-listen", mqtt, "--web-listen", web, "--log-level", "warn"},
	}
	return nil
}

// without empties the variables of the environment that begin so: what they say is meant for a real house.
func without(prefix string) (env []string) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, prefix) {
			env = append(env, name+"=")
		}
	}
	return env
}

func (p *plug) start() (err error) {
	p.process, err = outage.Start(p.program)
	return err
}

// stop ends the program as Ctrl-C would, or at once when it does not listen.
func (p *plug) stop() {
	p.process.Signal(os.Interrupt)
	select {
	case <-p.process.Done():
	case <-time.After(4 * stopLimit):
	}
	p.process.Kill()
}

// step does something that must not take for ever while the program lives.
func (p *plug) step(ctx context.Context, what string, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, plugLimit, fmt.Errorf("not within %s", plugLimit))
	defer cancel()
	ctx, die := context.WithCancelCause(ctx)
	defer die(nil)
	process := p.process
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() {
		select {
		case <-process.Done():
			die(fmt.Errorf("the hub ended by itself (%s):\n%s", process.Ended(), &p.said))
		case <-ctx.Done():
		}
	})
	err := do(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// settleIn waits until everybody is there for the first time.
func (p *plug) settleIn(ctx context.Context) error {
	if err := p.step(ctx, "connecting the witnesses", p.witnesses.Ready); err != nil {
		return err
	}
	return p.step(ctx, "waiting for the house", func(ctx context.Context) (err error) {
		house := p.house.Devices()
		if err := eventually(ctx, func() bool { return p.house.Connected() == len(house) && p.api.allOnline(ctx, house) }); err != nil {
			return err
		}
		p.lamps, err = p.api.lamps(ctx, house)
		return err
	})
}

// round pulls the plug once.
func (p *plug) round(ctx context.Context, number int) (round PlugRound, err error) {
	o := newOrders(p, number)
	before := p.witnesses.Acknowledged()
	err = p.step(ctx, "making load", func(ctx context.Context) error {
		if err := o.toSomebodyAway(ctx); err != nil {
			return err
		}
		if err := p.witnesses.Begin(ctx, plugCount); err != nil {
			return err
		}
		if err := pauseFor(ctx, plugCount*plugPace/4+rand.N(plugCount*plugPace/2)); err != nil {
			return err
		}
		return o.inTheLastMoment(ctx)
	})
	if err != nil {
		return round, err
	}
	p.witnesses.Outage()
	p.process.Kill()
	round.Acknowledged = p.witnesses.Acknowledged() - before
	if err := eventually(ctx, func() bool { return p.house.Connected() == 0 }); err != nil { // so that who comes back can be counted
		return round, err
	}
	p.witnesses.Restarted()
	began := time.Now()
	if err := p.start(); err != nil {
		return round, err
	}
	err = p.step(ctx, "coming back", func(ctx context.Context) error { return p.back(ctx, &round, began, o) })
	if err == nil {
		err = p.step(ctx, "waiting for all that is on its way", p.witnesses.Settle)
	}
	if err == nil {
		err = p.step(ctx, "waiting for the commands", o.outcome)
	}
	round.Commands = o.commands
	return round, err
}

// back waits until the hub acknowledges messages again and the house is back, and notes when. A lamp is commanded as soon as the hub
// takes commands.
func (p *plug) back(ctx context.Context, round *PlugRound, began time.Time, o *orders) error {
	o.began = began
	commanded := make(chan error, 1)
	go func() { commanded <- o.duringTheReturn(ctx) }()
	powered := len(p.house.Devices()) - o.dark()
	err := eventually(ctx, func() bool {
		since := time.Since(began)
		if round.Back == 0 && p.witnesses.Answered() {
			round.Back = since
		}
		connected := p.house.Connected()
		if round.First == 0 && connected > 0 {
			round.First = since
		}
		if round.All == 0 && connected == powered {
			round.All = since
		}
		return round.Back > 0 && round.All > 0
	})
	return errors.Join(err, <-commanded, o.restorePower())
}

// eventually waits until something is so. Its error is that of ctx.
func eventually(ctx context.Context, so func() bool) error {
	for !so() {
		if err := pauseFor(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func pauseFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// tail keeps the end of what a program prints, for an error's text.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write is called by the goroutine that reads what the program prints.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 4 << 10
	t.text = append(t.text, b...)
	if extra := len(t.text) - most; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}

// errNoLamps is that the house has nothing to command.
var errNoLamps = errors.New("the house has no lamp whose brightness can be set")

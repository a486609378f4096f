package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// Options says how a simulator runs. The zero value connects to mqtt://127.0.0.1:1883 with seed 0 at the speed of life.
type Options struct {
	// Broker says where the broker is; its zero value is DefaultBroker without a login.
	Broker Broker
	// Connect makes the client of a device in another way than Broker says; nil means that it does not.
	Connect func(ClientOptions) (Client, error)
	// Seed decides all that chance decides: the day, the weather, the people's and the devices' moods.
	Seed uint64
	// Speed is how many seconds of the model pass in a second, 0.01 to 3600; 0 means 1. A machine that cannot follow lets
	// the model fall behind.
	Speed float64
	// Start is the model time at the start; zero means seven in the morning of a day that the seed chooses. Its location is
	// the zone of the house.
	Start time.Time
	// Logger gets what may concern people, and at debug level what each device does. Nil means silence.
	Logger *slog.Logger
	// Trouble is told in plain words, from some device's goroutine, of each kind of trouble with the broker once, and when it
	// is over. It must not wait. Nil means that the logger gets it.
	Trouble func(text string)
	// Quiet keeps trouble out of the log and away from Trouble: the caller knows about the broker himself.
	Quiet bool
}

// step is how much model time passes at once. It never depends on the speed, so that the same seed gives the same day.
const step = 500 * time.Millisecond

// perSecond is how many devices connect in a second.
const perSecond = 100

// Simulator is a house whose devices are on the line while it runs.
type Simulator struct {
	house   House
	options Options
	log     *slog.Logger
	devices []*device
	byID    map[string]*device
	lines   []*line // in the order of the devices

	mu      sync.Mutex // guards world, all that is in it, and the devices' queues
	world   *physics.World
	news    sync.Mutex      // guards what follows
	seen    map[*line]bool  // has been up
	ready   chan struct{}   // closed when all have been
	said    map[string]bool // troubles that were told and are not over
	started bool
}

// New builds the house. It starts nothing.
func New(house House, o Options) (*Simulator, error) {
	if err := house.Check(); err != nil {
		return nil, fmt.Errorf("building the house: %w", err)
	}
	switch {
	case o.Speed == 0:
		o.Speed = 1
	case !(o.Speed >= 0.01 && o.Speed <= 3600):
		return nil, fmt.Errorf("a house runs at a speed of 0.01 to 3600, not %v", o.Speed)
	}
	if o.Start.IsZero() {
		o.Start = startOfDay(o.Seed)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Connect == nil {
		if _, err := o.Broker.connect(ClientOptions{ID: "sim", Will: broker.Message{Topic: "sim"}}); err != nil {
			return nil, err // what is wrong with the options would be wrong for every device
		}
		o.Connect = o.Broker.connect
	}
	world, devices, err := build(house, o.Start, o.Seed)
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		house: house, options: o, log: o.Logger, devices: devices, byID: map[string]*device{}, world: world,
		seen: map[*line]bool{}, ready: make(chan struct{}), said: map[string]bool{},
	}
	for _, d := range devices {
		s.byID[d.id] = d
	}
	s.lines = s.connectAll(house)
	return s, nil
}

// Run lets the house live until ctx ends. It returns nil when every device has said goodbye, at most about a second later. It
// is called once.
func (s *Simulator) Run(ctx context.Context) error {
	s.news.Lock()
	again := s.started
	s.started = true
	s.news.Unlock()
	if again {
		return errors.New("the simulator has been running already")
	}
	var all sync.WaitGroup
	for i, l := range s.lines {
		all.Go(func() {
			// A little past the step, so that in virtual time no two things happen at once.
			pause(ctx, time.Duration(i)*time.Second/perSecond+3*time.Millisecond)
			l.live(ctx)
		})
	}
	s.tick(ctx)
	all.Wait()
	return nil
}

// tick lets model time pass until ctx ends.
func (s *Simulator) tick(ctx context.Context) {
	every := max(time.Duration(float64(step)/s.options.Speed), 50*time.Millisecond)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	began, done := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		due := int(time.Since(began).Seconds()*s.options.Speed/step.Seconds() + 1e-6)
		// Someone who falls behind by more than this (a machine that slept, or too high a speed) lets it be.
		if most := int(2*s.options.Speed/step.Seconds()) + 4; due-done > most {
			s.log.Debug("model time falls behind", "steps", due-done-most)
			began = began.Add(time.Duration(float64(due-done-most) * step.Seconds() / s.options.Speed * float64(time.Second)))
			due = done + most
		}
		for ; done < due && ctx.Err() == nil; done++ {
			s.step()
		}
	}
}

// step lets one step of model time pass, and the devices say what there is to say.
func (s *Simulator) step() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.Step(step)
	for _, l := range s.lines {
		if l.up && !l.stale { // else it will announce everything
			l.say(l.who.pass(s.world.Now)...)
		}
	}
}

// Now is the model time.
func (s *Simulator) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.Now
}

// Devices are the devices' IDs in the house's order.
func (s *Simulator) Devices() []string {
	ids := make([]string, len(s.devices))
	for i, d := range s.devices {
		ids[i] = d.id
	}
	return ids
}

// Ready is closed when every device has been connected at least once.
func (s *Simulator) Ready() <-chan struct{} { return s.ready }

// Connected counts the devices that reach the broker now, themselves or through a bridge.
func (s *Simulator) Connected() int {
	s.news.Lock()
	defer s.news.Unlock()
	return s.connected()
}

func (s *Simulator) connected() (up int) {
	for _, d := range s.devices {
		if d.line.reached && !d.off {
			up++
		}
	}
	return up
}

// ErrNoDevice is returned for an ID that no device has.
var ErrNoDevice = errors.New("no such device")

// CutPower takes the power from a device or from a bridge: its connection breaks without a goodbye, so that the broker
// publishes its will. It stays away until RestorePower. A device behind a bridge falls silent, which the bridge notices after a
// while.
func (s *Simulator) CutPower(id string) error { return s.setPower(id, true) }

// RestorePower gives the power back; the device connects and announces itself.
func (s *Simulator) RestorePower(id string) error { return s.setPower(id, false) }

func (s *Simulator) setPower(id string, off bool) error {
	d := s.byID[id]
	if d == nil {
		for _, l := range s.lines {
			if l.id == id {
				l.setPower(off)
				return nil
			}
		}
		return fmt.Errorf("%w: %s", ErrNoDevice, id)
	}
	s.news.Lock()
	was := d.off
	d.off = off
	s.news.Unlock()
	if b, ok := d.line.who.(bridge); !ok {
		d.line.setPower(off)
	} else if was != off {
		s.mu.Lock()
		defer s.mu.Unlock()
		d.line.say(b.power(s.world.Now, d, !off)...)
	}
	return nil
}

func (s *Simulator) clientID(line string) string {
	return fmt.Sprintf("sim-%d-%s", s.options.Seed, line)
}

// count notes that a line has come up, or that its connection has ended.
func (s *Simulator) count(l *line, up bool) {
	s.log.Debug("a device's connection changed", "device", l.id, "up", up)
	s.news.Lock()
	defer s.news.Unlock()
	if l.reached = up; !up {
		return
	}
	if len(s.said) > 0 && s.connected() == s.awake() {
		clear(s.said)
		s.tell(slog.LevelInfo, "all devices reach the broker now")
	}
	if !s.seen[l] {
		s.seen[l] = true
		if len(s.seen) == len(s.lines) {
			close(s.ready)
		}
	}
}

// awake counts the devices that have power and do not sleep. The caller holds Simulator.news.
func (s *Simulator) awake() (n int) {
	for _, d := range s.devices {
		if !d.off && !d.line.resting {
			n++
		}
	}
	return n
}

// trouble tells of trouble with the broker, each kind once until it is over.
func (s *Simulator) trouble(detail string) {
	s.log.Debug("a device has trouble with the broker", "detail", detail)
	kind, text := explain(detail)
	s.news.Lock()
	defer s.news.Unlock()
	if text != "" && !s.said[kind] {
		s.said[kind] = true
		s.tell(slog.LevelWarn, text)
	}
}

func (s *Simulator) tell(level slog.Level, text string) {
	switch {
	case s.options.Quiet:
	case s.options.Trouble != nil:
		s.options.Trouble(text)
	default:
		s.log.Log(context.Background(), level, "devices and broker", "news", text)
	}
}

// Summary is what the simulator's program says at its start: how many devices of which kind speak which language.
func (s *Simulator) Summary() string {
	kinds, rooms := map[string]bool{}, map[string]bool{}
	for _, d := range s.devices {
		kinds[d.spec.Kind], rooms[d.spec.Room] = true, true
	}
	return fmt.Sprintf("%s: %d devices of %d kinds in %d rooms, %s",
		s.house.Name, len(s.devices), len(kinds), len(rooms), spoken(s.devices))
}

var _ broker.Handler = (*line)(nil)

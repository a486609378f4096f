package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"home.arpa/homehub/internal/certificate"
	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/internal/credential"
)

const (
	// lookEvery is how often the files are looked at. A change is taken over when the next look finds none, so that of an editor's
	// several steps the last one counts.
	lookEvery = time.Second
	// patience is how long a changed file may be wrong before that is told: it may be half written.
	patience = 3 * time.Second
	// warnEvery is how often a certificate that is about to end is spoken of.
	warnEvery = 24 * time.Hour
)

// reloader puts what has changed on disk in force while the hub runs: the keys of the configuration that a running hub can take over, users,
// rules of access and certificates. It does so as a whole, or, when anything is wrong with any of it, not at all.
type reloader struct {
	house  *house
	log    *slog.Logger
	level  *slog.LevelVar
	source *config.Input
	hangup <-chan os.Signal

	began config.Config // the hub started with
	now   config.Config // in force
	users []credential.Entry

	hurry chan chan<- struct{} // of logins that wait; what is in it is closed when the files have been looked at
	ended chan struct{}        // closed when run has returned

	files   watch
	changed []string  // files not taken over yet
	since   time.Time // the last of them changed; zero: nothing has, or it was told what is wrong
	warned  time.Time // about certificates
}

func newReloader(h *house, o Options) (*reloader, error) {
	r := &reloader{
		house: h, log: h.log.With("component", "reload"), level: o.Level, source: o.Source, hangup: o.Hangup, began: h.cfg, now: h.cfg,
		hurry: make(chan chan<- struct{}), ended: make(chan struct{}),
	}
	if h.users != nil {
		users, err := h.users.Read()
		if err != nil {
			return nil, err
		}
		h.users.Take(users)
		h.users.Changed, r.users = r.hasten, users.List()
	}
	r.files.look(r.list())
	return r, nil
}

// hasten has what has changed taken over at once, for a login that has found that the users have, and waits for that.
func (r *reloader) hasten() {
	done := make(chan struct{})
	select {
	case r.hurry <- done:
		<-done
	case <-r.ended:
	case <-time.After(patience): // it has not begun yet
	}
}

// run looks after the files until ctx ends.
func (r *reloader) run(ctx context.Context) error {
	defer close(r.ended)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	r.warn(time.Now())
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.hangup:
			r.changed = merge(r.changed, r.files.look(r.list()))
			if err := r.reload(true); err != nil {
				r.refused(err)
			}
			r.changed, r.since = nil, time.Time{}
		case done := <-r.hurry:
			r.rush(time.Now())
			close(done)
		case <-ticker.C:
			r.tick(time.Now())
		}
	}
}

// tick looks at the files once.
func (r *reloader) tick(now time.Time) {
	r.warn(now)
	if changed := r.files.look(r.list()); len(changed) > 0 {
		r.changed, r.since = merge(r.changed, changed), now
		return
	}
	if r.since.IsZero() {
		return
	}
	err := r.reload(r.configured())
	if err != nil && now.Sub(r.since) < patience {
		return // it is tried again
	}
	if err != nil {
		r.refused(err)
	}
	r.changed, r.since = nil, time.Time{}
}

// rush takes over what has changed without waiting for more. What is wrong with it is left to the next ticks.
func (r *reloader) rush(now time.Time) {
	changed := r.files.look(r.list())
	if len(changed) == 0 && r.since.IsZero() {
		return
	}
	r.changed = merge(r.changed, changed)
	if err := r.reload(r.configured()); err != nil {
		r.since = now
		return
	}
	r.changed, r.since = nil, time.Time{}
}

// configured says whether the configuration has changed.
func (r *reloader) configured() bool {
	return r.source != nil && slices.Contains(r.changed, r.source.File)
}

// refused tells what is wrong, a line each.
func (r *reloader) refused(err error) {
	for line := range strings.Lines(err.Error()) {
		r.log.Error("not reloaded, the hub goes on as it was", "problem", strings.TrimSuffix(line, "\n"))
	}
}

// list are the files that are watched.
func (r *reloader) list() []string {
	var list []string
	if r.source != nil && r.source.File != "" {
		list = append(list, r.source.File)
	}
	if r.house.users != nil {
		list = append(list, r.house.users.Path(), r.house.rules.Path())
	}
	for _, src := range []*certificate.Source{r.house.mqttTLS, r.house.webTLS} {
		if src != nil {
			list = append(list, src.Set().Files().List()...)
		}
	}
	return list
}

// reload takes over what is on disk; configured says whether the configuration is to be read, too. With an error nothing has changed.
func (r *reloader) reload(configured bool) error {
	cfg := r.now
	if configured && r.source != nil {
		var err error
		if cfg, err = config.Load(*r.source); err != nil {
			return err
		}
	}
	next, err := r.prepare(cfg)
	if err != nil {
		return err
	}
	if err := next.use(); err != nil {
		return err
	}
	r.tell(cfg)
	r.now = cfg
	r.dismiss(next.users)
	r.dismissRevoked()
	r.warned = time.Time{}
	return nil
}

// tell logs what has changed, and what would have.
func (r *reloader) tell(cfg config.Config) {
	live, _ := config.Changed(r.now, cfg)
	what := append(live, r.changed...)
	if len(what) == 0 {
		what = []string{"nothing"}
	}
	r.log.Info("reloaded", "changed", strings.Join(what, ", "))
	if _, restart := config.Changed(r.began, cfg); len(restart) > 0 {
		r.log.Warn("needs a restart of the hub", "changed", strings.Join(restart, ", "))
	}
}

// dismiss ends the connections of users that are no more, or are others of the same name.
func (r *reloader) dismiss(users []credential.Entry) {
	byName := map[string]credential.Entry{}
	for _, e := range users {
		byName[e.Name] = e
	}
	for _, e := range r.users {
		if now, there := byName[e.Name]; there && now.Kind == e.Kind && now.Created.Equal(e.Created) {
			continue
		}
		if n := r.house.broker.DisconnectUser(e.Name); n > 0 {
			r.log.Info("ended the connections of a removed user", "user", e.Name, "connections", n)
		}
	}
	r.users = users
}

// dismissRevoked ends the connections of clients whose certificates have been revoked.
func (r *reloader) dismissRevoked() {
	if r.house.mqttTLS == nil {
		return
	}
	if n := r.house.broker.EndRevoked(r.house.mqttTLS.Set().Revoked); n > 0 {
		r.log.Info("ended connections with revoked certificates", "connections", n)
	}
}

// warn speaks, once in a while, of certificates that have ended or are about to.
func (r *reloader) warn(now time.Time) {
	if !r.warned.IsZero() && now.Sub(r.warned) < warnEvery {
		return
	}
	r.warned = now
	for _, src := range []*certificate.Source{r.house.mqttTLS, r.house.webTLS} {
		if src == nil {
			continue
		}
		for _, text := range src.Set().Warnings(now) {
			r.log.Warn("look at the certificate", "problem", text)
		}
	}
}

// state is everything that a reload changes, prepared so that taking it over cannot fail half-way.
type state struct {
	users []credential.Entry
	steps []func() error // the first may fail, the others do not
}

// use takes it over.
func (s *state) use() error {
	for _, step := range s.steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// prepare reads and checks everything that a configuration names, and changes nothing.
func (r *reloader) prepare(cfg config.Config) (*state, error) {
	next := new(state)
	var problems []error
	if h := r.house; h.broker != nil {
		o, err := h.brokerOptions(cfg)
		problems = append(problems, err)
		next.steps = append(next.steps, func() error {
			if err := h.broker.Reload(o); err != nil {
				return err
			}
			h.rules = rulesOf(o)
			return nil
		})
	}
	if h := r.house; h.users != nil {
		users, err := h.users.Read()
		problems = append(problems, err)
		next.users = users.List()
		next.steps = append(next.steps, func() error { h.users.Take(users); return nil })
	}
	for _, t := range []struct {
		keys   string
		source *certificate.Source
		files  certificate.Files
	}{{"mqtt.tls", r.house.mqttTLS, mqttFiles(cfg)}, {"web.tls", r.house.webTLS, webFiles(cfg)}} {
		if t.source == nil || t.files.Cert == "" { // turning it on or off waits for a restart
			continue
		}
		set, err := renewed(t.source.Set(), t.files, time.Now())
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", t.keys, err))
		}
		next.steps = append(next.steps, func() error { t.source.Use(set); return nil })
	}
	if r.level != nil {
		var level slog.Level
		problems = append(problems, level.UnmarshalText([]byte(cfg.Log.Level)))
		next.steps = append(next.steps, func() error { r.level.Set(level); return nil })
	}
	return next, errors.Join(problems...)
}

// renewed loads the files again. A certificate or a list of revoked ones that has ended does not take the place of one that has not.
func renewed(old *certificate.Set, f certificate.Files, now time.Time) (*certificate.Set, error) {
	set, err := certificate.Load(f)
	if err != nil {
		return nil, err
	}
	if set.Expired(now) && !old.Expired(now) {
		return nil, errors.New(set.Warning(now))
	}
	if set.ListExpired(now) && old.Files().ClientCRL != "" && !old.ListExpired(now) {
		return nil, fmt.Errorf("the list of revoked certificates %s has ended already; give one that is still good", f.ClientCRL)
	}
	return set, nil
}

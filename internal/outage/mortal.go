package outage

import "context"

// mortal is a client with a will.
type mortal struct {
	*client
	ledger *Ledger
}

func (m *mortal) up(_ *link, _ bool) { m.ledger.Will(m.hello.id, m.hello.expiry > 0) }
func (*mortal) down()                {}

func (*mortal) take(*link, packet) error { return nil }

// depart ends the connection and waits until that has happened, so that what it means can be written down. With a DISCONNECT it is
// the broker who closes, when it has taken it.
func (m *mortal) depart(ctx context.Context, how manner) error {
	m.leave(how)
	if err := until(ctx, func() bool { return !m.connected() }); err != nil {
		return err
	}
	if how == goodbye {
		m.ledger.Goodbye(m.hello.id)
	}
	return nil
}

// mortals are the clients with wills of one round.
type mortals struct {
	// stay are connected when the outage comes, and do not return.
	stay []*mortal
	// back are connected when the outage comes, and return.
	back []*mortal
	// before are gone before the outage without a goodbye; their wills are due soon.
	before []*mortal
	// late are gone before the outage without a goodbye, and return before their wills are due.
	late []*mortal
	// polite have said goodbye before the outage.
	polite []*mortal
}

func (m *mortals) all() []*mortal {
	var all []*mortal
	for _, some := range [][]*mortal{m.stay, m.back, m.before, m.late, m.polite} {
		all = append(all, some...)
	}
	return all
}

// born makes the mortals of a round and waits until the broker has their wills; those that are to go go.
func (w *Witnesses) born(ctx context.Context, round int) error {
	const soon, later = 2, 600 // seconds of delay; a whole round is over within the longer one, however slow the machine is
	w.mortals = mortals{
		stay: []*mortal{
			w.mortal(round, "stays-away", mqtt5, lastingExpiry, 0),
			w.mortal(round, "stays-away-later", mqtt5, lastingExpiry, 1),
			w.mortal(round, "stays-away-clean", mqtt311, 0, 0),
		},
		back: []*mortal{
			w.mortal(round, "returns", mqtt311, lastingExpiry, 0),
			w.mortal(round, "returns-clean", mqtt5, 0, 0),
		},
		before: []*mortal{
			w.mortal(round, "dies-before", mqtt5, lastingExpiry, soon),
			w.mortal(round, "dies-before-politely", mqtt5, lastingExpiry, soon),
		},
		late:   []*mortal{w.mortal(round, "returns-late", mqtt5, lastingExpiry, later)},
		polite: []*mortal{w.mortal(round, "polite", mqtt5, lastingExpiry, soon), w.mortal(round, "polite-old", mqtt311, lastingExpiry, 0)},
	}
	for _, m := range w.mortals.all() {
		select {
		case w.births <- m.client:
		case <-ctx.Done():
			return ctx.Err()
		}
		m.want()
	}
	for _, m := range w.mortals.all() {
		if err := until(ctx, m.connected); err != nil {
			return err
		}
	}
	for i, m := range w.mortals.before {
		if err := m.depart(ctx, []manner{cut, withWill}[i%2]); err != nil {
			return err
		}
		w.ledger.Gone(m.hello.id, true)
	}
	for _, m := range w.mortals.late {
		if err := m.depart(ctx, cut); err != nil {
			return err
		}
	}
	for _, m := range w.mortals.polite {
		if err := m.depart(ctx, goodbye); err != nil {
			return err
		}
	}
	return nil
}

// reborn brings back who is to return, and has them say goodbye.
func (w *Witnesses) reborn(ctx context.Context) error {
	for _, m := range w.mortals.late {
		m.want()
	}
	for _, m := range append(w.mortals.back, w.mortals.late...) {
		if err := until(ctx, w.since(m.client)); err != nil {
			return err
		}
		if err := m.depart(ctx, goodbye); err != nil {
			return err
		}
	}
	w.mortals = mortals{}
	return nil
}

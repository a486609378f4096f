package devices_test

import (
	"testing"
	"time"

	"home.arpa/homehub/devices"
)

func TestALight(t *testing.T) {
	for name, script := range map[string]string{
		"that is to have a brightness of 0 has it when it says that it is off": `
			on true             | it/on is true
			brightness 20       | it/brightness is 20
			wish brightness 0   | c1 waiting
			send                | c1 sent
			brightness 20
			on true
			on false            | it/on is false + c1 confirmed`,
		"that is off has said so": `
			on false            | it/on is false
			brightness 20       | it/brightness is 20
			wish brightness 0   | c1 waiting
			send                | c1 confirmed the device had said so already`,
		// It was told to go on since: that it was off says nothing any more.
		"that was off before it was told to go on has not said so": `
			on false            | it/on is false
			wish on true        | c1 waiting
			send                | c1 sent
			wish brightness 0   | c1 superseded a newer command wants it/brightness to be 0 + c2 waiting
			send                | c2 sent
			on false            | c2 confirmed`,
		"that reports a brightness of 0 has it": `
			wish brightness 0   | c1 waiting
			send                | c1 sent
			brightness 0        | it/brightness is 0 + c1 confirmed`,
		// The level is what it keeps for the next time.
		"that says that it is off has not reached any other brightness": `
			on false            | it/on is false
			brightness 20       | it/brightness is 20
			wish brightness 20  | c1 waiting
			send                | c1 sent
			brightness 20
			after 10s           | c1 lapsed no report of 20 within 10 s; it says so, but it is off`,
		"that is dimmed and then goes on has reached its brightness": `
			on false            | it/on is false
			wish brightness 30  | c1 waiting
			send                | c1 sent
			brightness 30       | it/brightness is 30
			on true             | it/on is true + c1 confirmed`,
		"that goes on and then is dimmed has reached its brightness": `
			on false            | it/on is false
			brightness 20       | it/brightness is 20
			wish brightness 20  | c1 waiting
			send                | c1 sent
			on false
			on true             | it/on is true
			brightness 20       | c1 confirmed`,
		// It is off, but perhaps not for long: what it was told before may still be on its way.
		"that is to be off is not dimmed": `
			on false            | it/on is false
			wish brightness 40  | c1 waiting
			send                | c1 sent
			wish on false       | c1 superseded a newer command wants it/on to be false + c2 waiting
			send                | c2 sent
			on true             | it/on is true
			on false            | it/on is false + c2 confirmed`,
		"that is to be dimmed to 0 is not switched on": `
			wish on true        | c1 waiting
			wish brightness 0   | c1 superseded a newer command wants it/brightness to be 0 + c2 waiting
			wish brightness 60  | c2 superseded a newer command wants 60 + c3 waiting`,
		"can be dimmed and switched on": `
			wish brightness 60  | c1 waiting
			wish on true        | c2 waiting`,
	} {
		t.Run(name, func(t *testing.T) { thing(t, devices.Light, power, level).play(script) })
	}
}

func TestAFan(t *testing.T) {
	for name, script := range map[string]string{
		"that is to have a speed of 0 has it when it says that it is off": `
			on true        | it/on is true
			speed 50       | it/speed is 50
			wish speed 0   | c1 waiting
			send           | c1 sent
			on false       | it/on is false + c1 confirmed`,
		"that says that it is off has not reached any other speed": `
			on false       | it/on is false
			speed 50       | it/speed is 50
			wish speed 50  | c1 waiting
			send           | c1 sent
			on true        | it/on is true
			speed 50       | c1 confirmed`,
		"that is to be off does not get faster": `
			on true        | it/on is true
			wish speed 80  | c1 waiting
			send           | c1 sent
			wish on false  | c1 superseded a newer command wants it/on to be false + c2 waiting`,
	} {
		t.Run(name, func(t *testing.T) { thing(t, devices.Fan, power, percent(devices.Speed)).play(script) })
	}
}

func TestACover(t *testing.T) {
	for name, script := range map[string]string{
		"that is open in part is opened when its position says so": `
			state open         | it/state is open
			position 40        | it/position is 40
			wish state open    | c1 waiting
			send               | c1 sent
			state open
			position 70        | it/position is 70
			state open
			position 96        | it/position is 96
			position 97        | it/position is 97 + c1 confirmed`,
		"that says that it opens is open when it has arrived, whatever it says first": `
			state closed       | it/state is closed
			position 0         | it/position is 0
			wish state open    | c1 waiting
			send               | c1 sent
			state opening      | it/state is opening
			position 100       | it/position is 100
			state open         | it/state is open + c1 confirmed`,
		"that repeats what it was told is not yet closed": `
			state open         | it/state is open
			position 100       | it/position is 100
			wish state closed  | c1 waiting
			send               | c1 sent
			state closed       | it/state is closed
			position 30        | it/position is 30
			position 0         | it/position is 0 + c1 confirmed`,
		"that is open has said so": `
			state open         | it/state is open
			position 100       | it/position is 100
			wish state open    | c1 waiting
			send               | c1 confirmed the device had said so already`,
		"without a position is taken at its word": `
			state open         | it/state is open
			wish state open    | c1 waiting
			send               | c1 confirmed the device had said so already`,
		"that stops on its way lapses, and it is said why": `
			state closed       | it/state is closed
			position 0         | it/position is 0
			wish state open    | c1 waiting
			send               | c1 sent
			state open         | it/state is open
			after 1s
			position 60        | it/position is 60
			after 61s          | c1 lapsed no report of open within 61 s; it says so, but its position is 60 %`,
		"that moves past a position does not stay there": `
			state closing      | it/state is closing
			position 50        | it/position is 50
			wish position 50   | c1 waiting
			send               | c1 sent
			position 50        | c1 confirmed`,
		"that goes somewhere else does not stay where it is": `
			position 50        | it/position is 50
			target position 0
			wish position 50   | c1 waiting
			send               | c1 sent`,
		"goes to one place": `
			state open         | it/state is open
			position 100       | it/position is 100
			wish state closed  | c1 waiting
			send               | c1 sent
			wish position 100  | c1 superseded a newer command wants it/position to be 100 + c2 waiting
			send               | c2 sent
			wish stop true     | c2 superseded it was told to stop + c3 waiting
			send               | c3 sent`,
		"gets more time as long as it moves": `
			state closed       | it/state is closed
			position 0         | it/position is 0
			wish state open    | c1 waiting
			send               | c1 sent
			after 50s
			state opening      | it/state is opening
			after 30s
			position 60        | it/position is 60
			after 50s
			state open         | it/state is open
			position 100       | it/position is 100 + c1 confirmed`,
		"that is to be quick is not given more": `
			state closed       | it/state is closed
			wish state open within 5s | c1 waiting
			send               | c1 sent
			state opening      | it/state is opening
			after 5s           | c1 lapsed no report of open within 5 s; it last said opening`,
	} {
		t.Run(name, func(t *testing.T) { cover(t).play(script) })
	}
}

func cover(t *testing.T) *bench {
	return thing(t, devices.Cover, states("open", "opening", "closed", "closing", "stopped"), percent(devices.Position), halt)
}

func TestACoverThatAlwaysMovesDoesNotGetMoreThanAQuarterOfAnHour(t *testing.T) {
	b := cover(t)
	b.play(`
		state closed     | it/state is closed
		wish state open  | c1 waiting
		send             | c1 sent`)
	for i := 0; b.after(30*time.Second).Sub(start) < 15*time.Minute; i++ {
		b.twin.Report(b.now, devices.Ref{Component: "it", Property: devices.Position}, number(float64(1+i%2)), false)
		b.want(b.twin.Expire(b.now))
	}
	b.want(b.twin.Expire(b.now), "c1 lapsed no report of open within 15 min; it last said closed")
}

func TestALockThatJams(t *testing.T) {
	for name, script := range map[string]string{
		"has failed": `
			state jammed  | it/state is jammed
			after 4s
			after 1s      | c1 refused it says "jammed"`,
		"on its way has not failed if it says otherwise soon": `
			state jammed  | it/state is jammed
			after 4s
			state unlocked | it/state is unlocked
			after 10s
			state locked  | it/state is locked + c1 confirmed`,
	} {
		t.Run(name, func(t *testing.T) {
			b := thing(t, devices.Lock, states("locked", "unlocked", "locking", "unlocking", "jammed"))
			b.play(`
				state unlocked    | it/state is unlocked
				wish state locked | c1 waiting
				send              | c1 sent
				state locking     | it/state is locking`)
			b.play(script)
		})
	}
}

func TestALockThatWasJammedHasPerhapsNotTriedYet(t *testing.T) {
	thing(t, devices.Lock, states("locked", "unlocked", "jammed")).play(`
		state jammed      | it/state is jammed
		wish state locked | c1 waiting
		send              | c1 sent
		state jammed
		after 10s
		state locked      | it/state is locked + c1 confirmed`)
}

func TestALockThatJamsLateHasNoMoreTimeThanOthers(t *testing.T) {
	thing(t, devices.Lock, states("locked", "unlocked", "jammed")).play(`
		state unlocked    | it/state is unlocked
		wish state locked | c1 waiting
		send              | c1 sent
		after 12s
		state jammed      | it/state is jammed
		after 3s          | c1 refused it says "jammed"`)
}

func TestALockThatDoesNotTryHasNotFailed(t *testing.T) {
	thing(t, devices.Lock, states("locked", "unlocked", "jammed")).play(`
		state jammed      | it/state is jammed
		wish state locked | c1 waiting
		send              | c1 sent
		after 30s         | c1 lapsed no report of locked within 15 s; it last said jammed`)
}

func TestARobotOnItsWayHomeIsGivenTime(t *testing.T) {
	thing(t, devices.Vacuum, states("cleaning", "docked", "returning", "error")).play(`
		state cleaning    | it/state is cleaning
		wish state docked | c1 waiting
		send              | c1 sent
		state returning   | it/state is returning
		after 5m
		state error       | it/state is error
		after 5s          | c1 refused it says "error"`)
}

func TestAMowerOnItsWayHomeIsGivenTime(t *testing.T) {
	thing(t, devices.LawnMower, states("mowing", "docked", "returning", "error")).play(`
		state mowing      | it/state is mowing
		wish state docked | c1 waiting
		send              | c1 sent
		state returning   | it/state is returning
		after 9m
		state docked      | it/state is docked + c1 confirmed`)
}

func TestWhatToggles(t *testing.T) {
	const unknown = "refused it can only be told to change over, and has not said yet how it is"
	toggles := power
	toggles.Toggles = true
	for name, script := range map[string]string{
		"is told nothing as long as nobody knows how it is": `
			wish on true   | c1 waiting
			send           | c1 ` + unknown,
		"is told nothing when it is what is wanted, also if only the broker says so": `
			kept on false  | it/on is false
			wish on false  | c1 waiting
			send           | c1 confirmed the device had said so already`,
		// The first command may have been done, or not.
		"is told nothing more before it has said what came of it": `
			on false       | it/on is false
			wish on true   | c1 waiting
			send           | c1 sent
			wish on false  | c1 superseded a newer command wants false + c2 waiting
			send           | c2 ` + unknown + `
			on true        | it/on is true
			wish on false  | c3 waiting
			send           | c3 sent
			on false       | it/on is false + c3 confirmed`,
	} {
		t.Run(name, func(t *testing.T) { thing(t, devices.Switch, toggles).play(script) })
	}

	b := thing(t, devices.Switch, toggles)
	b.play(`on false | it/on is false`)
	b.twin.Reached(b.now, devices.Late, "it is silent") // and may have been changed by hand
	b.play(`
		wish on true  | c1 waiting
		send          | c1 ` + unknown)

	b = thing(t, devices.Switch, toggles)
	b.play(`
		on false      | it/on is false
		wish on true  | c1 waiting`)
	for _, c := range b.twin.Take(b.now) { // a link that is down changes nothing
		b.want(b.twin.Hold(b.now, c.ID, "the link is down"), "c1 waiting the link is down")
	}
	b.play("send | c1 sent")

	d := b.twin.Device()
	b.twin, _ = devices.Restore(b.now, devices.Kept{Device: d, Reported: b.twin.Reported()})
	b.twin.Heard(b.now)
	b.twin.Reached(b.now, devices.Online, "")
	b.play(`
		after 1m
		wish on true  | c2 waiting
		send          | c2 ` + unknown + `
		on true       | it/on is true
		wish on true  | c3 waiting
		send          | c3 confirmed the device had said so already`)
}

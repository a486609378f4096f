package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"home.arpa/homehub/internal/realpart"
)

// The tests of others: those that Mosquitto's authors and the Paho project wrote for brokers. They are read from checkouts, and run by the
// scripts in a folder of their own (mosq_adapter.py and paho_run.py), which compare packets by their meaning. They take a quarter of
// an hour:
//
//	CONFORMANCE=folder MOSQUITTO_TESTS=checkout PAHO_TESTS=checkout go test -timeout 40m -run Conformance ./internal/e2e
//
// Without psutil for Python (Debian's python3-psutil) two scripts are left out.

// mostPlain is how many of Mosquitto's scripts may not pass of the 56 that need no settings, mostSequences how many of its packet sequences
// may fail: those that are refused as they should be, though with another reason code (soft), do not. Mosquitto 2.0.11 itself fails 8 scripts,
// 2 are soft, and fails 128 sequences.
const (
	mostPlain     = 6
	mostSequences = 60
)

// Why a test of others fails here. Each is named, so that another one that fails is seen, and one that passes by now as well.
const (
	notATest    = "no broker passes it: it is Python 2 and not in the suite's own list"
	ownWill     = "it wants no will when a session that goes on is taken over; one without a delay is published, since the connection is closed [MQTT-3.1.2-8], and 3.1.4 of version 5 says so"
	methodA     = "it gives an identifier that is in use to another message, against [MQTT-2.2.1-3], and wants the later one; a QoS 2 message goes on when it arrives (4.3.3)"
	cutOff      = "not in the suite's own list; it wants a 3.1.1 client to be cut off at its 21st open QoS 2 message, and Receive Maximum came with version 5 (3.2.2.3.3)"
	longTopic   = "it wants a topic name of too many levels to be malformed; it is well formed and not accepted, which is 0x90 (2.4)"
	longSilence = "it wants a 3.1.1 client refused because of its keep alive; that version allows any (3.1.2.10 there)"
	ownMismatch = "it wants success for an identifier that is not known; 0x92 is the standard's word for it (3.6.2.1, 3.7.2.1)"
	unknownUser = "it logs in as a user that nobody knows, and wants to be let in"
	onceOnly    = "it wants the connection to end when a QoS 2 message is repeated a second time; each repetition is to be acknowledged [MQTT-4.3.3-10]"
	forbidden   = "it publishes to $SYS, which is the broker's (4.7.2), and wants success; the answer is 0x87"
	otherLevel  = "the adapter connects with the name MQTT and level 3, which is neither 3.1 nor 3.1.1; that is refused [MQTT-3.1.2-2]"
)

var scriptExceptions = map[string]string{
	"01-connect-max-keepalive":              longSilence,
	"03-publish-long-topic":                 longTopic,
	"03-publish-qos1-queued-bytes":          notATest,
	"03-publish-qos2-max-inflight-exceeded": cutOff,
	"03-publish-qos2-reuse-mid":             methodA,
	"07-will-takeover":                      ownWill,
}

// asWritten are scripts that the adapter's comparison by meaning turns round, so that no broker passes: they want the connection to end without
// all of the CONNACK that they name, and it takes the end for that CONNACK. They are compared byte by byte, as their authors have it.
var asWritten = []string{"07-will-delay-invalid-573191", "07-will-null-topic"}

// sequenceExceptions are by the beginning of the name.
var sequenceExceptions = map[string]string{
	"CONNACK: v3.1.1 CONNACK issue 2163 v3":                           otherLevel,
	"CONNECT: v3.1.1 CONNECT 10 Username flag 1 Password flag 1 ok":   unknownUser,
	"CONNECT: v3.1.1 CONNECT 10 Password with 0x0000":                 unknownUser,
	"CONNECT: v5.0   CONNECT 10 Username flag 1 ok":                   unknownUser,
	"PUBLISH: v3.1.1 PUBLISH 34 QoS 2 Dup flow*3":                     onceOnly,
	"PUBLISH: v5.0   PUBLISH 34 QoS 2 Dup flow*3":                     onceOnly,
	"PUBLISH: v5.0   PUBLISH PUBLISH with $ topic - connection/state": forbidden,
	"PUBREC: v5.0   PUBREC ":                                          ownMismatch,
	"PUBREL: v5.0   PUBREL ":                                          ownMismatch,
}

// hubForScript is the broker command: hubForScript PORT FOLDER. It gives the hub the settings that a script has written into its
// mosquitto.conf. Mosquitto forgets at its end what the hub keeps, unless its configuration says otherwise, or the script has deleted its
// file: then the hub gets an empty folder.
const hubForScript = `#!/bin/bash
port=$1 dir=$2 kept=mosquitto-$1.db conf=
for f in ./*.conf; do grep -qsE "^(listener|port) $port\b" "$f" && conf=$f; done
[ -e "$port.conf" ] && conf=$port.conf
setting() { [ -n "$conf" ] && sed -nE "s/^$1 +([a-z0-9]+).*/\1/p" "$conf" | head -n 1; }
if [ "$(setting persistence)" != true ] || ! [ -e "$kept" ]; then rm -rf "${dir:?}"/*; fi
if [ "$(setting persistence)" = true ]; then touch "$kept"; fi
{
  printf 'mqtt:\n  anonymous: always\n  limits:\n    session_expiry: 0\n'
  n=$(setting max_keepalive); [ -n "$n" ] && echo "    keep_alive: ${n}s"
  n=$(setting max_inflight_messages); [ -n "$n" ] && printf '    inflight: %d\n    receive_maximum: %d\n' "$n" "$n"
} > "$dir.yaml"
exec -a "$0" "$HUB" serve --config "$dir.yaml" --mqtt-listen "127.0.0.1:$port" --web-listen 127.0.0.1:0 --data-dir "$dir"
`

// checkout is a folder that a variable of the environment names; without it the test is left out.
func checkout(t *testing.T, variable, what string) string {
	t.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		t.Skipf("left out: %s does not name %s", variable, what)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return dir
}

// python is a Python 3, with psutil if there is one: Debian's package of that is for /usr/bin/python3, which need not be the first in PATH.
func python(t *testing.T) string {
	t.Helper()
	first := realpart.Find(t, "python3", "python3")
	for _, path := range []string{first, "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), path, "-c", "import psutil").Run() == nil {
			return path
		}
	}
	t.Log("without psutil two scripts are left out: apt-get install python3-psutil")
	return first
}

// verdict is the outcome of one test, as the scripts write it.
type verdict struct {
	Group, Proto, Test, Status, Why string
}

func (v verdict) passed() bool { return v.Status == "pass" || v.Status == "pass~" }

// verdicts runs a script that ends with 0 or 1 and writes a list of outcomes.
func verdicts(t *testing.T, limit time.Duration, env []string, argv ...string) (all []verdict) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "verdicts.json")
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, python(t), append(argv, "--json", file)...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("running %s: %v\n%s", argv[0], err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	if len(all) == 0 {
		t.Fatalf("nothing was tested:\n%s", out)
	}
	return all
}

func TestConformanceWithMosquittosTests(t *testing.T) {
	adapters := checkout(t, "CONFORMANCE", "the folder of mosq_adapter.py")
	tests := checkout(t, "MOSQUITTO_TESTS", "a checkout of eclipse-mosquitto/mosquitto")
	realpart.Find(t, "bash", "bash")
	broker := filepath.Join(t.TempDir(), "hub")
	if err := os.WriteFile(broker, []byte(hubForScript), 0o755); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	logs := t.TempDir()
	env := []string{"HUB=" + ours("hub")}
	scripts := func(more ...string) []verdict {
		argv := []string{filepath.Join(adapters, "mosq_adapter.py"), "--checkout", tests, "--broker", broker + " {port} {dir}", "--logs", logs}
		all := verdicts(t, 30*time.Minute, env, slices.Concat(argv, more)...)
		for i, v := range all {
			strict := slices.Contains(asWritten, v.Test)
			// Some fail by chance with a broker that serves its clients at the same time: they wait for one of two only.
			chance := v.Status == "FAIL" && scriptExceptions[v.Test] == ""
			if v.Group == "seq" || !strict && !chance {
				continue
			}
			again := slices.Concat(argv, more, []string{"--no-seq", "--only", v.Test})
			if strict {
				again = append(again, "--strict")
			}
			t.Logf("once more: %s, %s", v.Test, v.Why)
			all[i] = verdicts(t, time.Minute, env, again...)[0]
		}
		return all
	}
	judge(t, logs, "plain", mostPlain, scripts("--no-seq"))
	judge(t, logs, "with settings", len(scriptExceptions), scripts("--seq-timeout", "3", "--allow",
		"persistence,persistence_file,persistence_location,autosave_interval,sys_interval,max_keepalive,max_inflight_messages"))
}

// judge compares verdicts with the exceptions. At most some of the scripts may not pass.
func judge(t *testing.T, logs, which string, most int, all []verdict) {
	var scripts, sequences struct{ ran, passed, soft int }
	for _, v := range all {
		if v.Status == "skip" {
			continue
		}
		if strings.Contains(v.Why, "BROKER DIED") {
			said, _ := os.ReadFile(filepath.Join(logs, v.Test+".py.log")) // there is none of a sequence
			t.Errorf("%s ended the broker: %s\n%s", v.Test, v.Why, said)
		}
		count, why := &scripts, scriptExceptions[v.Test]
		if v.Group == "seq" {
			count, why = &sequences, exception(sequenceExceptions, v.Test)
		}
		count.ran++
		switch {
		case v.passed():
			count.passed++
			if v.Group != "seq" && why != "" { // of sequences the beginning of the name covers several
				t.Errorf("%s passes by now; it is listed because %s", v.Test, why)
			}
		case v.Status == "soft":
			count.soft++
			if v.Group != "seq" && why == "" {
				t.Errorf("%s: %s", v.Test, v.Why)
			}
		case why == "":
			t.Errorf("%s: %s, %s", v.Test, v.Status, v.Why)
		}
	}
	missed := scripts.ran - scripts.passed
	t.Logf("%s: %d scripts ran, %d passed, %d are soft, %d failed", which, scripts.ran, scripts.passed, scripts.soft, missed-scripts.soft)
	if missed > most || scripts.ran < 50 {
		t.Errorf("%d of %d scripts did not pass, want %d at most", missed, scripts.ran, most)
	}
	if sequences.ran == 0 {
		return
	}
	failed := sequences.ran - sequences.passed - sequences.soft
	t.Logf("%d sequences ran, %d passed, %d are soft, %d failed", sequences.ran, sequences.passed, sequences.soft, failed)
	if failed > mostSequences || sequences.ran < 1000 {
		t.Errorf("%d of %d sequences failed, want %d at most", failed, sequences.ran, mostSequences)
	}
}

// exception is the reason for which a test may fail, by the beginning of its name, empty for none.
func exception(reasons map[string]string, test string) string {
	for name, why := range reasons {
		if strings.HasPrefix(test, name) {
			return why
		}
	}
	return ""
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/internal/outage"
)

// product is a broker that can be started.
type product struct {
	name string
	hub  bool
	// command writes what it needs into a folder and returns the command that makes it listen on an address.
	command func(folder, address string) ([]string, error)
}

// stand is where one run of one case happens: it starts brokers of one product, each in a folder of its own, and takes all of it
// away at the end.
type stand struct {
	bench   *bench
	product *product
	name    string // of the run, for profiles; each broker that it starts gets a number behind it
	folder  string
	running []*process
}

func (b *bench) newStand(p *product, name string) (*stand, error) {
	folder, err := os.MkdirTemp(b.folder, "run-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for a broker: %w", err)
	}
	return &stand{bench: b, product: p, name: name, folder: folder}, nil
}

func (s *stand) clear() {
	for _, p := range s.running {
		p.stop()
	}
	_ = os.RemoveAll(s.folder)
}

// setting changes how the hub is started: a value of a key of its configuration.
type setting struct{ key, value string }

// start starts the broker. The hub keeps its data in a folder that the next start finds again.
func (s *stand) start(ctx context.Context, settings ...setting) (*process, error) {
	return s.startUnder(ctx, nil, settings...)
}

// startUnder starts the broker as the child of a command, strace for instance.
func (s *stand) startUnder(ctx context.Context, command []string, settings ...setting) (*process, error) {
	p := new(process)
	var err error
	if p.address, err = outage.FreeAddress(); err != nil {
		return nil, err
	}
	args, err := s.product.command(s.folder, p.address)
	if err != nil {
		return nil, err
	}
	if s.product.hub {
		if p.web, err = outage.FreeAddress(); err != nil {
			return nil, err
		}
		settings = append(settings, setting{"web.listen", p.web}, setting{"data_dir", s.data()})
		if s.bench.profiles != "" {
			args = append(args, filepath.Join(s.bench.profiles, fmt.Sprintf("%s-%d", s.name, len(s.running)+1)))
		}
	}
	env := environment(settings)
	if s.product.hub {
		env = append(env, config.Variable("mqtt.listen")+"="+p.address)
	}
	if err := p.launch(ctx, s.folder, s.bench.brokerCPU, env, append(command, args...)...); err != nil {
		return nil, err
	}
	s.running = append(s.running, p)
	return p, nil
}

func (s *stand) data() string { return filepath.Join(s.folder, "data") }

// environment is this process's without what configures a hub, and with the settings.
func environment(settings []setting) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HUB_") {
			env = append(env, v)
		}
	}
	for _, s := range settings {
		env = append(env, config.Variable(s.key)+"="+s.value)
	}
	return env
}

func hubProduct(name, program string, args ...string) *product {
	return &product{name: name, hub: true, command: func(string, string) ([]string, error) {
		return append([]string{program}, args...), nil
	}}
}

// mosquitto is the one from Debian's package, without its log.
func mosquitto(path string) (*product, error) {
	version, err := versionOf(path, "-h")
	if err != nil {
		return nil, err
	}
	return &product{name: "Mosquitto " + version, command: func(folder, address string) ([]string, error) {
		host, port, _ := strings.Cut(address, ":")
		text := fmt.Sprintf("listener %s %s\nallow_anonymous true\nlog_type none\n", port, host)
		if os.Geteuid() == 0 { // or it would become a user who cannot read the folder
			text += "user root\n"
		}
		file := filepath.Join(folder, "mosquitto.conf")
		return []string{path, "-c", file}, os.WriteFile(file, []byte(text), 0o600)
	}}, nil
}

// flashmq is built by whoever wants to see it; by default it would deliver 2,048 retained messages at most.
func flashmq(path string) (*product, error) {
	version, err := versionOf(path, "--version")
	if err != nil {
		return nil, err
	}
	return &product{name: "FlashMQ " + version, command: func(folder, address string) ([]string, error) {
		host, port, _ := strings.Cut(address, ":")
		text := fmt.Sprintf("allow_anonymous true\nlog_level error\nlog_file /dev/null\nretained_messages_delivery_limit 200000\n"+
			"listen {\n  protocol mqtt\n  port %s\n  inet_protocol ip4\n  inet4_bind_address %s\n}\n", port, host)
		file := filepath.Join(folder, "flashmq.conf")
		return []string{path, "-c", file}, os.WriteFile(file, []byte(text), 0o600)
	}}, nil
}

var versionNumber = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// versionOf asks a program for its version. That some end with an error when they are asked for help is no matter.
func versionOf(path, flag string) (string, error) {
	out, err := exec.Command(path, flag).CombinedOutput()
	if v := versionNumber.FindString(string(out)); v != "" {
		return v, nil
	}
	return "", fmt.Errorf("asking %s for its version: %w", path, errors.Join(err, errors.New("it does not say")))
}

// find looks for a program in the folders of PATH and in /usr/sbin, which is not in everybody's.
func find(name string) (string, bool) {
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found, true
		}
	}
	return "", false
}

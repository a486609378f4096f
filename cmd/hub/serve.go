package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/config"
	"home.arpa/homehub/internal/logqueue"
)

// settings are the flags that stand for keys of the configuration.
type settings struct {
	cmd  *cobra.Command
	file string
	keys map[string]*string
}

// with adds flags for keys to a command, each with a text for its help.
func with(cmd *cobra.Command, usage map[string]string) *settings {
	s := &settings{cmd: cmd, keys: map[string]*string{}}
	for key, text := range usage {
		s.keys[key] = cmd.Flags().String(strings.TrimPrefix(config.FlagName(key), "--"), "", text)
	}
	return s
}

// load reads the configuration with the flags that were set.
func (s *settings) load() (config.Config, error) { return config.Load(s.input()) }

// input is where the configuration comes from.
func (s *settings) input() config.Input {
	in := config.Input{File: s.file, Flags: map[string]string{}}
	for key, value := range s.keys {
		if s.cmd.Flags().Changed(strings.TrimPrefix(config.FlagName(key), "--")) {
			in.Flags[key] = *value
		}
	}
	return in
}

// prefer sets keys that neither a flag nor the environment has set.
func (s *settings) prefer(values map[string]string) error {
	for key, value := range values {
		name := strings.TrimPrefix(config.FlagName(key), "--")
		if s.cmd.Flags().Changed(name) || os.Getenv(config.Variable(key)) != "" {
			continue
		}
		if err := s.cmd.Flags().Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:        "serve",
		SuggestFor: []string{"run", "start"},
		Short:      "Run the hub for a real house",
		Long: "Run the hub for a real house.\n\n" +
			"A flag beats the environment (HUB_MQTT_LISTEN, …), which beats the file, which beats the default;\n" +
			"configs/hub.yaml shows every key.\n\n" +
			"It looks after the file while it runs, and after users, rules and certificates; the signal HUP makes it look at once.",
		Args: takes(),
	}
	s := with(cmd, map[string]string{
		"data_dir":     "`folder` for the data (default ~/.local/share/homehub)",
		"mqtt.listen":  "`address` and port for MQTT (default :1883, all interfaces; port 0: any free one)",
		"web.listen":   "`address` and port for the pages and the API (default :1888)",
		"external.url": "use the MQTT 5 broker at this `URL` instead of the one inside: mqtt://user:password@host:1883",
		"log.level":    "`level` of the log: debug, info, warn or error (default info)",
	})
	cmd.Flags().StringVar(&s.file, "config", "", "configuration `file`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := s.load()
		if err != nil {
			return err
		}
		in, level := s.input(), new(slog.LevelVar)
		log := logger(cfg.Log, level)
		defer log.Close() // before the error that this returns is printed
		o := app.Options{Version: version(), Out: cmd.OutOrStdout(), Log: slog.New(log.Handler()), Level: level, Source: &in}
		if !signal.Ignored(syscall.SIGHUP) { // as nohup makes it: then a terminal that goes away is no wish
			hangup := make(chan os.Signal, 1)
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			o.Hangup = hangup
		}
		return app.Serve(cmd.Context(), cfg, o)
	}
	return cmd
}

func demoCommand() *cobra.Command {
	var d app.Demo
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the hub with a simulated house, on this machine only",
		Long: "Run the hub with a simulated house, on this machine only. Each device is a real MQTT client with a connection of its\n" +
			"own; nothing is left behind at the end.",
		Args: takes(),
	}
	s := with(cmd, map[string]string{
		"data_dir":    "`folder` for the data, kept (default a temporary one, removed at the end)",
		"mqtt.listen": "`address` and port for MQTT (default 127.0.0.1:1883; port 0: any free one)",
		"web.listen":  "`address` and port for the pages and the API (default 127.0.0.1:1888)",
		"log.level":   "`level` of the log: debug, info, warn or error (default warn)",
	})
	cmd.Flags().IntVar(&d.Devices, "devices", 0, "how many devices the house has (default as many as the built-in house)")
	cmd.Flags().Uint64Var(&d.Seed, "seed", 1, "the same seed makes the same house and the same day")
	cmd.Flags().Float64Var(&d.Speed, "speed", 1, "how many seconds of the house pass in a second, 0.01 to 3600")
	plug := pulling(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case cmd.Flags().Changed("devices") && d.Devices < 1: // which app takes for the built-in house
			return fmt.Errorf("--devices is 1 or more, not %d", d.Devices)
		case d.Speed == 0: // which the simulator takes for 1
			return errors.New("--speed is 0.01 to 3600, not 0")
		}
		if cmd.Flags().Changed(plugFlag) {
			return plug(d)
		}
		d.Program = called()
		err := s.prefer(map[string]string{"mqtt.listen": "127.0.0.1:1883", "web.listen": "127.0.0.1:1888", "log.level": "warn"})
		if err != nil {
			return err
		}
		cfg, err := s.load()
		if err != nil {
			return err
		}
		if !cmd.Flags().Changed("data-dir") {
			cfg.DataDir = ""
		}
		// What the environment says for the real house must not break the simulated one: its devices have no login and no TLS, and
		// its broker is the one inside.
		cfg.External, cfg.MQTT.Anonymous = config.External{}, "loopback"
		cfg.MQTT.TLS, cfg.Web.TLS = config.MQTTTLS{}, config.WebTLS{}
		if cfg.MQTT.Listen == config.None {
			return errors.New("the simulated house speaks plain MQTT; give it an address with " + config.FlagName("mqtt.listen"))
		}
		log := logger(cfg.Log, new(slog.LevelVar))
		defer log.Close() // before the error that this returns is printed
		return app.RunDemo(cmd.Context(), cfg, app.Options{Version: version(), Out: cmd.OutOrStdout(), Log: slog.New(log.Handler())}, d)
	}
	return cmd
}

func checkConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-config FILE",
		Short: "Say what is wrong with a configuration file, line by line",
		Args:  takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			problems, err := config.Check(args[0])
			if err != nil {
				return err
			}
			for _, p := range problems {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			if len(problems) > 0 {
				return exitError{code: 1}
			}
			if _, err := config.Load(config.Input{File: args[0]}); err != nil { // keys that do not go together
				fmt.Fprintln(cmd.OutOrStdout(), err)
				return exitError{code: 1}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is fine\n", args[0])
			return nil
		},
	}
}

// called is how this program was called: "go run ./cmd/hub" leaves it in a folder that is soon gone.
func called() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/hub"
	}
	return os.Args[0]
}

// logger writes the log to standard error, from a level on that can be changed while it does. Whoever reads it there holds nobody up.
func logger(l config.Log, level *slog.LevelVar) *logqueue.Queue {
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		level.Set(slog.LevelInfo) // config has checked it
	}
	o := &slog.HandlerOptions{Level: level}
	return logqueue.Start(os.Stderr, func(to io.Writer) slog.Handler {
		if l.Format == "json" {
			return slog.NewJSONHandler(to, o)
		}
		return slog.NewTextHandler(to, o)
	})
}

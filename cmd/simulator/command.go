package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"home.arpa/homehub/simulator"
)

// flags are the program's flags.
type flags struct {
	broker, config, name, user, passwordFile, ca, logLevel string
	devices                                                int
	seed                                                   uint64
	speed                                                  float64
}

func command(stdout, stderr io.Writer) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "simulator",
		Short: "Pretend a house full of MQTT devices",
		Long: "Pretends a house: rooms, weather, people, and devices that publish their state\n" +
			"and obey commands. Each device is a real MQTT 5 client, but for those of\n" +
			"Zigbee, which are behind one bridge. They speak the languages of many families:\n" +
			"Home Assistant discovery, Homie 3 to 5, ESPHome, Tasmota, Shelly, Zigbee2MQTT.\n" +
			"Ctrl-C lets every device say goodbye.",
		Example: "  simulator\n" +
			"  simulator --broker mqtt://broker.lan --user house --password-file house.txt\n" +
			"  simulator --devices 500 --speed 60\n" +
			"  simulator --name cottage --seed 2",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := f.build(stderr, c.Flags().Changed("devices"))
			if err != nil {
				return err
			}
			fmt.Fprintf(stdout, "%s\nseed %d, so it is %s; model time runs at %vx\nconnecting to %s; Ctrl-C stops\n",
				s.Summary(), f.seed, s.Now().Format("Monday, 2 January 2006, 15:04"), f.speed, withoutPassword(f.broker))
			return s.Run(c.Context())
		},
	}
	c.Flags().StringVar(&f.broker, "broker", simulator.DefaultBroker, "the broker's `URL`: mqtt://, mqtts://, ws:// or wss://, host and port")
	c.Flags().StringVar(&f.config, "config", "", "a house `file` (default: the house that is built in, see configs/house.yaml)")
	c.Flags().IntVar(&f.devices, "devices", 0, "how many devices the house is to have (default: what the house file lists)")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "the same seed gives the same house the same day; another one gives the same devices another day")
	c.Flags().Float64Var(&f.speed, "speed", 1, "seconds of the house in a second, 0.01 to 3600")
	c.Flags().StringVar(&f.name, "name", "", "a `name` that sets the devices apart from those of another house on the same broker")
	c.Flags().StringVar(&f.user, "user", "", "the `name` with which the devices log in")
	c.Flags().StringVar(&f.passwordFile, "password-file", "", "a `file` with the password on its first line")
	c.Flags().StringVar(&f.ca, "ca", "", "a `file` with the certificate (PEM) of the authority that vouches for the broker")
	c.Flags().StringVar(&f.logLevel, "log-level", "warn", "debug, info, warn or error")
	c.SetUsageTemplate(strings.Replace(c.UsageTemplate(), ".LocalFlags.FlagUsages |", ".LocalFlags.FlagUsagesWrapped 80 |", 1))
	return c
}

// build makes the simulator that the flags ask for.
func (f *flags) build(stderr io.Writer, resize bool) (*simulator.Simulator, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level is debug, info, warn or error, not %q", f.logLevel)
	}
	if f.speed == 0 { // which the library takes for 1
		return nil, errors.New("--speed is 0.01 to 3600, not 0")
	}
	house := simulator.DefaultHouse()
	if f.config != "" {
		var err error
		if house, err = simulator.LoadHouse(f.config); err != nil {
			return nil, err
		}
	}
	if resize {
		var err error
		if house, err = house.Resize(f.devices); err != nil {
			return nil, fmt.Errorf("reading --devices: %w", err)
		}
	}
	house, err := house.Apart(f.name)
	if err != nil {
		return nil, fmt.Errorf("reading --name: %w", err)
	}
	if f.passwordFile != "" && f.user == "" {
		return nil, errors.New("--password-file needs --user")
	}
	return simulator.New(house, simulator.Options{
		Broker: simulator.Broker{URL: f.broker, User: f.user, PasswordFile: f.passwordFile, CAFile: f.ca},
		Seed:   f.seed, Speed: f.speed,
		Logger:  slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
		Trouble: func(text string) { fmt.Fprintln(stderr, "simulator:", text) },
	})
}

// withoutPassword is a URL that can be shown.
func withoutPassword(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "the broker"
	}
	return u.Redacted()
}

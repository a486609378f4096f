// Package config reads the hub's configuration: from a YAML file, the environment and the command line, in rising order of
// weight over the defaults. It says of each mistake what it is and where: the file's line, the variable or the flag.
//
// It is the only importer of viper. internal/app and the hub's program call it.
package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// Config is the whole configuration. Its keys are described in configs/hub.yaml.
type Config struct {
	DataDir       string        `mapstructure:"data_dir"`
	MQTT          MQTT          `mapstructure:"mqtt"`
	Web           Web           `mapstructure:"web"`
	External      External      `mapstructure:"external"`
	HomeAssistant HomeAssistant `mapstructure:"homeassistant"`
	History       History       `mapstructure:"history"`
	Durability    Durability    `mapstructure:"durability"`
	Log           Log           `mapstructure:"log"`
	// TimeZone is an IANA name; empty: the machine's.
	TimeZone string `mapstructure:"time_zone"`
	Links    []Link `mapstructure:"links"`
}

// Location is the house's time zone.
func (c Config) Location() (*time.Location, error) {
	if c.TimeZone == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("loading time zone %s: %w", c.TimeZone, err)
	}
	return zone, nil
}

// MQTT is about the embedded broker.
type MQTT struct {
	// Listen is an address and a port, or None.
	Listen string `mapstructure:"listen"`
	// Anonymous is loopback, always or never.
	Anonymous      string   `mapstructure:"anonymous"`
	AllowedOrigins []string `mapstructure:"allowed_origins"`
	TLS            MQTTTLS  `mapstructure:"tls"`
	Limits         Limits   `mapstructure:"limits"`
}

// None is the address of what is not listened on, and the word for no families.
const None = "none"

// MQTTTLS is about MQTT over TLS, which is on when there is a Cert.
type MQTTTLS struct {
	Listen string `mapstructure:"listen"`
	// Cert, Key, ClientCA and ClientCRL are paths of PEM files.
	Cert      string `mapstructure:"cert"`
	Key       string `mapstructure:"key"`
	ClientCA  string `mapstructure:"client_ca"`
	ClientCRL string `mapstructure:"client_crl"`
	// ClientAuth is optional or required.
	ClientAuth string `mapstructure:"client_auth"`
}

// Limits are what clients may make the broker do and keep.
type Limits struct {
	PacketSize            Size          `mapstructure:"packet_size"`
	ConnectSize           Size          `mapstructure:"connect_size"`
	ConnectTime           time.Duration `mapstructure:"connect_time"`
	Connections           int           `mapstructure:"connections"`
	ConnectionsPerAddress int           `mapstructure:"connections_per_address"`
	Strangers             int           `mapstructure:"strangers"`
	StrangersPerAddress   int           `mapstructure:"strangers_per_address"`
	TopicLevels           int           `mapstructure:"topic_levels"`
	TopicSize             Size          `mapstructure:"topic_size"`
	Subscriptions         int           `mapstructure:"subscriptions"`
	FiltersPerPacket      int           `mapstructure:"filters_per_packet"`
	Inflight              int           `mapstructure:"inflight"`
	ReceiveMaximum        int           `mapstructure:"receive_maximum"`
	QueuedMessages        int           `mapstructure:"queued_messages"`
	QueuedSize            Size          `mapstructure:"queued_size"`
	QueuedInAll           Size          `mapstructure:"queued_in_all"`
	Sessions              int           `mapstructure:"sessions"`
	RetainedMessages      int           `mapstructure:"retained_messages"`
	RetainedSize          Size          `mapstructure:"retained_size"`
	// KeepAlive is at least 1 s, or 0: no limit.
	KeepAlive     time.Duration `mapstructure:"keep_alive"`
	SessionExpiry time.Duration `mapstructure:"session_expiry"`
}

// Size is a number of bytes.
type Size int

// Durability is about what is on disk when a message is acknowledged: Mode is strict or relaxed.
type Durability struct {
	Mode     string        `mapstructure:"mode"`
	Interval time.Duration `mapstructure:"interval"`
}

// Web is about the pages and the API.
type Web struct {
	Listen string `mapstructure:"listen"`
	// Anonymous is loopback or never.
	Anonymous string   `mapstructure:"anonymous"`
	Hosts     []string `mapstructure:"hosts"`
	TLS       WebTLS   `mapstructure:"tls"`
}

// WebTLS is about HTTPS, which is on when there is a Cert. Both are paths of PEM files.
type WebTLS struct {
	Cert string `mapstructure:"cert"`
	Key  string `mapstructure:"key"`
}

// HomeAssistant is about Home Assistant's discovery.
type HomeAssistant struct {
	Prefix string `mapstructure:"prefix"`
	// Export says whose devices are announced to Home Assistant: Auto, All or None alone, or the names of conventions.
	Export []string `mapstructure:"export"`
}

// What Export can be instead of a list of conventions. An empty list is None.
const (
	Auto = "auto" // all with the embedded broker, none with another one
	All  = "all"
)

// History is about what is kept; Keep is at least an hour, or 0: for ever.
type History struct {
	Keep time.Duration `mapstructure:"keep"`
}

// Log is about the log: Level is debug, info, warn or error; Format is text or json.
type Log struct {
	Level  string `mapstructure:"level"`
	Format string `mapstructure:"format"`
}

// Link makes To follow From; both are device/component/property.
type Link struct {
	From string `mapstructure:"from"`
	To   string `mapstructure:"to"`
}

// Input says where the configuration comes from.
type Input struct {
	// File is the path of a YAML file; empty: none.
	File string
	// Flags are the values of the command line's flags that were set, by key ("mqtt.listen").
	Flags map[string]string
}

// FlagName is the command line's flag for a key: mqtt.listen is --mqtt-listen.
func FlagName(key string) string {
	if key == "external.url" {
		return "--external"
	}
	return "--" + strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

// Variable is the environment variable for a key: mqtt.listen is HUB_MQTT_LISTEN.
func Variable(key string) string {
	return "HUB_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// Load reads the configuration: a flag beats the environment, which beats the file, which beats the default. Its error
// lists all mistakes, a line each. DataDir is filled in.
func Load(in Input) (Config, error) {
	var problems []error
	from := map[string]string{} // what set a key, as an error names it
	v := viper.New()
	for _, k := range keys {
		v.SetDefault(k.name, k.zero)
		if k.structured {
			continue // no variable could spell it
		}
		if err := v.BindEnv(k.name, Variable(k.name)); err != nil {
			return Config{}, fmt.Errorf("binding %s: %w", Variable(k.name), err)
		}
		if value, set := os.LookupEnv(Variable(k.name)); set && value != "" {
			if err := k.checkText(value); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", Variable(k.name), err))
			}
			from[k.name] = Variable(k.name)
		}
	}
	if in.File != "" {
		found, lines, err := check(in.File)
		if err != nil {
			return Config{}, err
		}
		for _, p := range found {
			problems = append(problems, p)
		}
		for name, line := range lines {
			if from[name] == "" {
				from[name] = Problem{File: in.File, Line: line, Key: name}.where()
			}
		}
		if len(found) == 0 {
			if err := readFile(v, in.File); err != nil {
				return Config{}, fmt.Errorf("reading %s: %w", in.File, err)
			}
		}
	}
	for _, k := range keys {
		value, set := in.Flags[k.name]
		if !set {
			continue
		}
		if err := k.checkText(value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", FlagName(k.name), err))
		}
		from[k.name] = FlagName(k.name)
		v.Set(k.name, value)
	}
	if len(problems) > 0 {
		return Config{}, errors.Join(problems...)
	}
	var c Config
	hooks := viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(durationHook, sizeHook, mapstructure.DecodeHookFuncType(listHook)))
	err := v.UnmarshalExact(&c, hooks)
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	if err := c.together(from); err != nil {
		return Config{}, err
	}
	for _, path := range []*string{
		&c.DataDir, &c.External.PasswordFile, &c.External.CA, &c.MQTT.TLS.Cert, &c.MQTT.TLS.Key, &c.MQTT.TLS.ClientCA, &c.MQTT.TLS.ClientCRL,
		&c.Web.TLS.Cert, &c.Web.TLS.Key,
	} {
		if *path, err = inHome(*path); err != nil {
			return Config{}, err
		}
	}
	if c.DataDir == "" {
		dir, err := dataDir()
		if err != nil {
			return Config{}, err
		}
		c.DataDir = dir
	}
	return c, nil
}

// readFile gives a file that Check has found right to viper, without the sections that have nothing in them: viper would take
// such a section for a value and hide the environment's behind it.
func readFile(v *viper.Viper, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var sections map[string]any
	if err := yaml.Unmarshal(data, &sections); err != nil {
		return err
	}
	maps.DeleteFunc(sections, func(_ string, section any) bool { return section == nil })
	return v.MergeConfigMap(sections)
}

// inHome spells out a path that begins with ~/, as a shell would.
func inHome(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", path, err)
	}
	return filepath.Join(home, rest), nil
}

package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
)

// External names another broker to use instead of the embedded one; with an empty URL the embedded one runs. However it is
// printed or logged, the password that its URL may hold is left out.
type External struct {
	URL          string `mapstructure:"url"`
	User         string `mapstructure:"user"`
	PasswordFile string `mapstructure:"password_file"`
	CA           string `mapstructure:"ca"`
}

// Redacted is the URL without the password.
func (e External) Redacted() string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

// String tells all but the password.
func (e External) String() string {
	return fmt.Sprintf("{url:%s user:%s password_file:%s ca:%s}", e.Redacted(), e.User, e.PasswordFile, e.CA)
}

// GoString is String, for %#v.
func (e External) GoString() string { return e.String() }

// LogValue is String, for package slog.
func (e External) LogValue() slog.Value { return slog.StringValue(e.String()) }

// LogValue is the whole configuration as text, without the password of External.
func (c Config) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", c)) }

// Login returns the URL without what is before the @, and the user and the password to log in with: those of the URL, else
// User and the content of PasswordFile, of which a line end at its end is no part.
func (e External) Login() (address, user, password string, err error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return "", "", "", errors.New("reading external.url: it is not a URL such as mqtt://host:1883")
	}
	user = e.User
	if u.User != nil {
		user = u.User.Username()
		password, _ = u.User.Password()
		u.User = nil
	}
	if password == "" && e.PasswordFile != "" {
		text, err := os.ReadFile(e.PasswordFile)
		if err != nil {
			return "", "", "", fmt.Errorf("reading external.password_file: %w", err)
		}
		password = strings.TrimRight(string(text), "\r\n")
	}
	return u.String(), user, password, nil
}

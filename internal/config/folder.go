package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// dataDir is where the data is when nothing says where: the folder that systemd made for the service, else the user's own.
func dataDir() (string, error) {
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir, nil
	}
	dir, err := ownDataDir()
	if err != nil {
		return "", errors.New("choosing a folder for the data: there is no home folder; name one with --data-dir or " + Variable("data_dir"))
	}
	return dir, nil
}

// ownDataDir is where the data of this user is, in whatever surroundings.
func ownDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "homehub"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "share", "homehub"), err
}

// DataFlag is what somebody who calls "hub user add" and its like in another terminal has to add for them to find this hub's data,
// such as " --data-dir /srv/hub"; empty when the data is where they look by themselves.
func (c Config) DataFlag() string {
	if own, err := ownDataDir(); err == nil && own == c.DataDir {
		return ""
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		dir = c.DataDir
	}
	odd := func(r rune) bool {
		return !strings.ContainsRune("/._-+@%:,", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	if strings.ContainsFunc(dir, odd) {
		dir = "'" + strings.ReplaceAll(dir, "'", `'\''`) + "'" // for the shell
	}
	return " --data-dir " + dir
}

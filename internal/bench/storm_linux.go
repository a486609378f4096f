package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/bench/load"
)

// storm lets devices come back to a hub that has just started, so that it remembers no password.
func storm(passwords bool) func(context.Context, *stand) (figures, error) {
	return func(ctx context.Context, s *stand) (figures, error) {
		devices, err := s.bench.users(ctx, s.data(), passwords)
		if err != nil {
			return nil, err
		}
		p, err := s.start(ctx)
		if err != nil {
			return nil, err
		}
		r, err := load.Storm{Devices: devices}.Run(ctx, p.broker())
		if err != nil {
			return nil, err
		}
		if r.Back < len(devices) {
			return nil, fmt.Errorf("waiting for devices: %d of %d came back", r.Back, len(devices))
		}
		f := usage(r.Usage)
		f[attempts] = float64(r.Attempts)
		f[secretsBack] = r.Took.Seconds()
		if passwords {
			delete(f, secretsBack)
			f[passwordsBack] = r.Took.Seconds()
		}
		return f, nil
	}
}

// users makes the devices' logins in a data folder. Making passwords takes as long as checking them, so they are made once and
// kept for the next run of the benchmark program as a copy.
func (b *bench) users(ctx context.Context, data string, passwords bool) ([]load.Login, error) {
	kept := filepath.Join(b.folder, fmt.Sprintf("users-%v", passwords))
	var devices []load.Login
	if text, err := os.ReadFile(filepath.Join(kept, "devices.json")); err == nil {
		if err := json.Unmarshal(text, &devices); err != nil {
			return nil, fmt.Errorf("reading the devices' logins: %w", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the devices' logins: %w", err)
	} else if devices, err = makeUsers(ctx, kept, b.devices, passwords); err != nil {
		return nil, err
	}
	if err := os.CopyFS(data, os.DirFS(kept)); err != nil {
		return nil, fmt.Errorf("copying the devices' logins: %w", err)
	}
	return devices, nil
}

func makeUsers(ctx context.Context, folder string, n int, passwords bool) ([]load.Login, error) {
	file := app.Users(folder)
	devices := make([]load.Login, n)
	for i := range devices {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d := load.Login{Client: fmt.Sprintf("device-%d", i), User: fmt.Sprintf("user-%d", i), KeepAlive: 60}
		var err error
		if d.Password = fmt.Sprintf("password of user %d", i); passwords {
			err = file.Add(d.User, d.Password)
		} else {
			d.Password, err = file.Generate(d.User)
		}
		if err != nil {
			return nil, fmt.Errorf("making the devices' logins: %w", err)
		}
		devices[i] = d
	}
	text, err := json.Marshal(devices)
	if err != nil {
		return nil, fmt.Errorf("keeping the devices' logins: %w", err)
	}
	return devices, os.WriteFile(filepath.Join(folder, "devices.json"), text, 0o600)
}

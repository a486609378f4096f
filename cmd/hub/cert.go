package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"home.arpa/homehub/internal/app"
	"home.arpa/homehub/internal/certificate"
)

func certCommand() *cobra.Command {
	return group(&cobra.Command{Use: "cert", SuggestFor: []string{"certificate", "tls"}, Short: "Make the certificates of a house, for TLS"},
		makeCertCommand(), addCertCommand(), revokeCertCommand())
}

// withCertificates gives a command the flags that say where the data is, and runs it with that folder and the one of the certificates in it.
func withCertificates(cmd *cobra.Command, run func(cmd *cobra.Command, dataDir, certificates string, args []string) error) *cobra.Command {
	return folder(cmd, func(cmd *cobra.Command, dataDir string, args []string) error {
		certificates, err := filepath.Abs(app.Certificates(dataDir)) // what is printed goes into a configuration
		if err != nil {
			return err
		}
		return run(cmd, dataDir, certificates, args)
	})
}

func makeCertCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:        "make [NAME]...",
		SuggestFor: []string{"new", "renew", "create"},
		Short:      "Make an authority for this house, and the hub's certificate",
		Long: "Make an authority for this house, unless there is one, and a certificate of the hub that it signs.\n\n" +
			"The certificate is good for this machine's names and addresses, for the names that are given, and for those of the one before.\n" +
			"It lasts 820 days; the same command renews it, and a running hub uses the new one by itself.",
		Example: "  hub cert make hub.lan 192.168.1.5",
	}
	return withCertificates(cmd, func(cmd *cobra.Command, dataDir, folder string, args []string) error {
		return asOwner(dataDir, func() error { return makeCert(cmd.OutOrStdout(), folder, args, time.Now()) })
	})
}

func makeCert(w io.Writer, folder string, names []string, now time.Time) error {
	authority, err := certificate.OpenAuthority(folder)
	if errors.Is(err, certificate.ErrNoAuthority) {
		if authority, err = certificate.NewAuthority(folder, now); err == nil {
			fmt.Fprintf(w, "made an authority for this house in %s\n", filepath.Join(folder, certificate.AuthorityCert))
		}
	}
	if err != nil {
		return err
	}
	old := certificate.Files{Cert: filepath.Join(folder, certificate.ServerCert), Key: filepath.Join(folder, certificate.ServerKey)}
	before, err := certificate.Load(old)
	first := err != nil // none, or a damaged one: it is made anew
	if !first {
		names = append(names, before.Names()...)
	}
	all := app.Names()
	for _, name := range names {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	cert, key, err := authority.Server(all, now)
	if err != nil {
		return err
	}
	made, err := certificate.Load(certificate.Files{Cert: cert, Key: key})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "made a certificate for %s, good until %s\n", strings.Join(all, ", "), made.Ends().Local().Format(time.DateOnly))
	if first {
		fmt.Fprintf(w, advice, cert, key, filepath.Join(folder, certificate.AuthorityCert))
	}
	return nil
}

const advice = `
In the hub's configuration:

  mqtt:
    tls:
      cert: %[1]s
      key: %[2]s
      client_ca: %[3]s   # lets clients in that show a certificate of "hub cert add NAME"
  web:
    tls:
      cert: %[1]s
      key: %[2]s

Devices, browsers and phones believe it when they are given %[3]s.
`

func addCertCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:     "add NAME",
		Short:   "Make a certificate for a client, which then is the MQTT user of this name",
		Long:    "Make a certificate for a client, which then is the MQTT user of this name and needs no password. It lasts ten years.",
		Example: "  hub cert add kitchen-plug",
		Args:    takes("NAME"),
	}
	cmd.Flags().StringVar(&out, "out", ".", "`folder` for NAME.crt and NAME.key")
	return withCertificates(cmd, func(cmd *cobra.Command, _, folder string, args []string) error {
		authority, err := certificate.OpenAuthority(folder)
		if errors.Is(err, certificate.ErrNoAuthority) {
			return fmt.Errorf("%w; \"hub cert make\" makes one", err)
		}
		if err != nil {
			return err
		}
		cert, key, err := authority.Client(args[0], out, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "made %s and %s for the user %s\n", cert, key, args[0])
		fmt.Fprintf(cmd.OutOrStdout(), "the client needs both, and %s to know the hub by\n", filepath.Join(folder, certificate.AuthorityCert))
		fmt.Fprintf(cmd.OutOrStdout(), "keep a copy of %s, with which \"hub cert revoke\" takes it back when it is lost\n", cert)
		return nil
	})
}

func revokeCertCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:        "revoke FILE",
		SuggestFor: []string{"rm", "remove"},
		Short:      "Take a client's certificate back",
		Long: "Take the certificate in a file back, which \"hub cert add\" made: the authority puts it into its list of revoked ones. With the list as\n" +
			"mqtt.tls.client_crl, a running hub ends the connections of who shows it, and lets nobody in by it.",
		Example: "  hub cert revoke kitchen-plug.crt",
		Args:    takes("FILE"),
	}
	return withCertificates(cmd, func(cmd *cobra.Command, _, folder string, args []string) error {
		return revokeCert(cmd.OutOrStdout(), folder, args[0], time.Now())
	})
}

func revokeCert(w io.Writer, folder, file string, now time.Time) error {
	authority, err := certificate.OpenAuthority(folder)
	if err != nil {
		return err
	}
	name, list, fresh, err := authority.Revoke(file, now)
	if err != nil {
		return err
	}
	if !fresh {
		fmt.Fprintf(w, "the certificate of %s was revoked already, in %s\n", name, list)
		return nil
	}
	fmt.Fprintf(w, "revoked the certificate of %s in %s; the hub heeds it where that is mqtt.tls.client_crl\n", name, list)
	return nil
}

package app

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// listenError says, of a port that cannot be bound, what to do.
func listenError(what, addr, flag string, err error) error {
	_, port, _ := net.SplitHostPort(addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listening for %s on %s: port %s is taken by another program; stop it, or choose another port with %s", what, addr, port, flag)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listening for %s on %s: port %s needs more rights; choose one from 1024 on with %s", what, addr, port, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listening for %s on %s: this machine does not have that address; choose another one with %s", what, addr, flag)
	}
	return fmt.Errorf("listening for %s on %s: %w; choose another address with %s", what, addr, err, flag)
}

// reachable spells the addresses under which others reach a listener, best first: for one that listens on all
// interfaces, those of this machine in the house, then loopback.
func reachable(scheme string, addr net.Addr, path string) []string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return []string{scheme + "://" + addr.String() + path}
	}
	spell := func(ip net.IP) string {
		return scheme + "://" + net.JoinHostPort(ip.String(), fmt.Sprint(tcp.Port)) + path
	}
	if !tcp.IP.IsUnspecified() {
		return []string{spell(tcp.IP)}
	}
	var out []string
	for _, ip := range houseIPs() {
		out = append(out, spell(ip))
	}
	return append(out, spell(net.IPv4(127, 0, 0, 1)))
}

// houseIPs are this machine's addresses that others in the house can use, IPv4 first. Interfaces of containers and virtual
// machines are left out where their names tell.
func houseIPs() []net.IP {
	var out []net.IP
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil // then only loopback is shown
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 || virtual(i.Name) {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				out = append(out, n.IP)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b net.IP) int { return len(shortest(a)) - len(shortest(b)) })
	return out
}

func shortest(ip net.IP) net.IP {
	if v4 := ip.To4(); v4 != nil {
		return v4
	}
	return ip
}

func virtual(name string) bool {
	for _, prefix := range []string{"docker", "br-", "veth", "virbr", "cni", "flannel", "vboxnet", "vmnet", "podman"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// Names are those by which clients and browsers may call this machine: host names, then the IP addresses that it has now.
func Names() []string {
	names := []string{"localhost", "homehub.local"}
	if host, err := os.Hostname(); err == nil && host != "" {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		short, _, _ := strings.Cut(host, ".")
		names = append([]string{host}, append(names, short, short+".local")...)
	}
	for _, ip := range append(houseIPs(), net.IPv4(127, 0, 0, 1), net.IPv6loopback) {
		names = append(names, ip.String())
	}
	var once []string
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

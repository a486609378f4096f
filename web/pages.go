package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

//go:embed templates static
var files embed.FS

// pages are the templates and the files that they use, held in memory.
type pages struct {
	templates *template.Template
	files     map[string]file
	modules   []string // the names of the dashboard's scripts but the first, for the browser to fetch at once
}

type file struct {
	content []byte
	kind    string // media type
	tag     string // entity tag
}

// kinds are the media types of the files; the system's table, which mime would ask, differs from machine to machine.
var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".webmanifest": "application/manifest+json",
}

func loadPages() (pages, error) {
	p := pages{files: map[string]file{}}
	var err error
	if p.templates, err = template.ParseFS(files, "templates/*.html"); err != nil {
		return p, err
	}
	err = fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		kind := kinds[path.Ext(name)]
		if kind == "" {
			return fmt.Errorf("no media type for %s", name)
		}
		sum := sha256.Sum256(content)
		base := path.Base(name)
		p.files[base] = file{content, kind, `"` + hex.EncodeToString(sum[:8]) + `"`}
		if path.Ext(base) == ".js" && base != "app.js" && base != "login.js" {
			p.modules = append(p.modules, base)
		}
		return nil
	})
	slices.Sort(p.modules)
	return p, err
}

// serve answers with an embedded file. Browsers keep it and ask whether it is still the same.
func (p pages) serve(w http.ResponseWriter, r *http.Request) {
	f, ok := p.files[r.PathValue("file")]
	if !ok {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Etag", f.tag)
	if strings.Contains(r.Header.Get("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	_, _ = w.Write(f.content)
}

// shell is what the pages are given.
type shell struct {
	Title, Version string
	Demo           bool
	// House are the addresses at which devices reach the broker. Alone says that only programs on this machine do.
	House    []string
	Alone    bool
	TimeZone string
	Modules  []string
	// External says that the broker is not in this process, Here is the address at which programs on this machine reach it, if there is one.
	External bool
	Here     string
	// DataFlag is what commands beside the hub need, see Options.
	DataFlag string
	// Session says that the browser is signed in, so that there is something to sign out of.
	Session bool
}

func (s *Server) dashboard(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" && s.tooMany(w, r) {
		return
	}
	c, ok, tried := s.identify(r)
	if !ok {
		if tried {
			s.failedTry(r)
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	sh := shell{Title: "Home", House: s.o.MQTTAddresses, DataFlag: s.o.DataFlag, Modules: s.pages.modules, Session: c.By == "session", External: s.o.Broker == nil}
	others := slices.DeleteFunc(slices.Clone(sh.House), loopback)
	if sh.Alone = len(others) == 0 && len(sh.House) > 0; !sh.Alone {
		sh.House = others
	}
	for _, a := range s.o.MQTTAddresses { // the best for others is the first, and unencrypted will do here
		if sh.Here == "" || strings.HasPrefix(a, "mqtt://") {
			sh.Here = a
		}
	}
	s.page(w, http.StatusOK, "dashboard.html", sh)
}

// loopback says whether an address leads to the machine on which it is used.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}

// login shows the page for signing in. It looks the same to everybody; its script goes on when nobody needs to sign in.
func (s *Server) login(w http.ResponseWriter, _ *http.Request) {
	s.page(w, http.StatusOK, "login.html", shell{Title: "Sign in"})
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	for _, accept := range strings.Split(r.Header.Get("Accept"), ",") {
		if kind, _, err := mime.ParseMediaType(accept); err == nil && kind == "text/html" {
			s.page(w, http.StatusNotFound, "missing.html", shell{Title: "Nothing here"})
			return
		}
	}
	problem(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
}

func (s *Server) page(w http.ResponseWriter, status int, name string, sh shell) {
	sh.Version, sh.Demo, sh.TimeZone = s.o.Version, s.o.Demo, s.o.TimeZone.String()
	var b bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&b, name, sh); err != nil {
		s.log.Error("filling a page failed", "page", name, "error", err)
		http.Error(w, "this page could not be made; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

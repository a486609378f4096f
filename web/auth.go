package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// caller is who makes a request.
type caller struct {
	Name string `json:"name"`
	// By is how it is known: token, session or loopback.
	By string `json:"by"`
}

type callerKey struct{}

// callerOf returns who makes a request that signedIn has let through.
func callerOf(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

const cookieName = "homehub_session"

// identify says who makes a request; ok is false for a stranger. tried says that it came with a token that is wrong.
func (s *Server) identify(r *http.Request) (c caller, ok, tried bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return caller{}, false, false
		}
		name, ok := s.o.Authenticate(strings.TrimSpace(token))
		return caller{name, "token"}, ok, !ok
	}
	if cookie, err := r.Cookie(cookieName); err == nil {
		if token, ok := s.sessions.token(cookie.Value, time.Now()); ok {
			if name, ok := s.o.Authenticate(token); ok {
				return caller{name, "session"}, true, false
			}
			s.sessions.end(cookie.Value) // the token was taken back
		}
	}
	if s.o.OpenLoopback && trusted(r) {
		return caller{"this machine", "loopback"}, true, false
	}
	return caller{}, false, false
}

// signedIn lets through who is known, and answers strangers with 401; who tries too many tokens gets 429.
func (s *Server) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" && s.tooMany(w, r) {
			return
		}
		c, ok, tried := s.identify(r)
		if !ok {
			detail := "this hub wants a token here; \"hub token add NAME\" makes one, where the hub runs"
			if tried {
				s.failedTry(r)
				detail = "this token is not known, or was taken back"
			}
			s.metrics.refused.WithLabelValues("login").Inc()
			w.Header().Set("WWW-Authenticate", `Bearer realm="homehub"`)
			problem(w, http.StatusUnauthorized, detail)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// tooMany answers who has tried too many wrong tokens, and says whether it did.
func (s *Server) tooMany(w http.ResponseWriter, r *http.Request) bool {
	wait := s.tries.wait(peerAddress(r), time.Now())
	if wait <= 0 {
		return false
	}
	s.metrics.refused.WithLabelValues("rate").Inc()
	w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
	problem(w, http.StatusTooManyRequests, "too many wrong tokens from your address; wait a minute")
	return true
}

func (s *Server) failedTry(r *http.Request) {
	s.metrics.failedLogins.Inc()
	if n := s.tries.failed(peerAddress(r), time.Now()); n == 1 || n == maxTries { // the rest would only fill the log
		s.log.Warn("wrong token", "address", peerAddress(r).String(), "tries", n)
	}
}

func (s *Server) getSession(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, callerOf(r))
}

// signIn trades a token for a cookie, for browsers: an EventSource cannot send a header.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"token"`
	}
	if s.tooMany(w, r) || !body(w, r, &in) {
		return
	}
	token := strings.TrimSpace(in.Token)
	name, ok := s.o.Authenticate(token)
	if !ok {
		s.failedTry(r)
		problem(w, http.StatusUnauthorized, "this token is not known, or was taken back")
		return
	}
	id := s.sessions.begin(token, time.Now())
	setCookie(w, r, id, int(sessionLife/time.Second))
	s.log.Info("signed in", "name", name, "address", peerAddress(r).String())
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		s.sessions.end(cookie.Value)
	}
	setCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

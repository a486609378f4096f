package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"home.arpa/homehub/devices"
	"home.arpa/homehub/hub"
)

// Problem is the body of every answer that says no (RFC 9457).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = encode(w, Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail})
}

// refuse says no before it is known what is asked for: in plain text to browsers, as a problem to the API's clients.
func refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		problem(w, status, detail)
		return
	}
	http.Error(w, detail, status)
}

// fail answers with what an error of the hub's means.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, devices.ErrValue):
		status = http.StatusBadRequest
	case errors.Is(err, hub.ErrNotFound):
		status = http.StatusNotFound
	case errors.Is(err, hub.ErrConflict):
		status = http.StatusConflict
	case errors.Is(err, hub.ErrStopped):
		status = http.StatusServiceUnavailable
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		problem(w, http.StatusServiceUnavailable, "the request was given up before the hub could answer")
		return
	default:
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		problem(w, status, "the hub could not do this; its log says why")
		return
	}
	problem(w, status, plain(err))
}

// plain is what an error says to people: what is behind the sentinel, which the status says already, and not what the hub was doing, which
// they know since they asked for it. A conflict is with something else, and is told whole.
func plain(err error) string {
	text := err.Error()
	for _, sentinel := range []error{devices.ErrValue, hub.ErrNotFound} {
		if _, after, ok := strings.Cut(text, sentinel.Error()+": "); ok && errors.Is(err, sentinel) {
			return after
		}
	}
	return strings.Replace(text, hub.ErrConflict.Error()+": ", "", 1)
}

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = encode(w, v) // what fails here is the connection, and then nobody is left to tell
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

const maxBody = 64 << 10

// body reads a request's JSON into v, or answers why not and returns false.
func body(w http.ResponseWriter, r *http.Request, v any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		w.Header().Set("Accept", "application/json")
		problem(w, http.StatusUnsupportedMediaType, fmt.Sprintf("the body must be application/json, not %.60q", r.Header.Get("Content-Type")))
		return false
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("there is more after the JSON value")
		}
	}
	if err == nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the guard's, which would end a wait
		return true
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		problem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body may have %d bytes", tooLarge.Limit))
		return false
	}
	problem(w, http.StatusBadRequest, "reading the body: "+strings.TrimPrefix(err.Error(), "json: "))
	return false
}

package wecomtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
)

// maxAdminBody bounds the bodies of /admin/, in bytes: enough for the rules of a large company.
const maxAdminBody = 64 << 20

// admin answers a request under /admin/ with a JSON value; an error means a bad request.
type admin func(r *http.Request) (any, error)

type done struct {
	OK bool `json:"ok"`
}

func (s *Simulator) handleAdmin() {
	for pattern, do := range map[string]admin{
		"GET /admin/rules":          func(*http.Request) (any, error) { return s.Rules(), nil },
		"PUT /admin/rules":          s.putRules,
		"PATCH /admin/rules":        s.patchRules,
		"GET /admin/faults":         func(*http.Request) (any, error) { return s.Faults(), nil },
		"POST /admin/faults":        s.postFaults,
		"DELETE /admin/faults":      s.act(s.ClearFaults),
		"GET /admin/messages":       s.getMessages,
		"DELETE /admin/messages":    s.act(s.ForgetMessages),
		"GET /admin/stats":          func(*http.Request) (any, error) { return s.Stats(), nil },
		"POST /admin/tokens:expire": s.act(s.ExpireTokens),
		"POST /admin/media:expire":  s.act(s.ExpireMedia),
	} {
		s.mux.HandleFunc(pattern, s.guarded(func(w http.ResponseWriter, r *http.Request) {
			value, err := do(r)
			if err != nil {
				writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
				return
			}
			writeJSON(w, http.StatusOK, value)
		}))
	}
}

// act adapts an action that cannot fail.
func (s *Simulator) act(do func()) admin {
	return func(*http.Request) (any, error) {
		do()
		return done{OK: true}, nil
	}
}

func (s *Simulator) putRules(r *http.Request) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	return s.changeRules(body)
}

func (s *Simulator) patchRules(r *http.Request) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	base, err := json.Marshal(s.Rules())
	if err != nil {
		return nil, fmt.Errorf("copy rules: %w", err)
	}
	// Merged by member, because decoding into existing lists and maps would mix old and new elements.
	var merged, changes map[string]json.RawMessage
	if err := json.Unmarshal(base, &merged); err != nil {
		return nil, fmt.Errorf("copy rules: %w", err)
	}
	if err := decodeStrict(body, &changes); err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	maps.Copy(merged, changes)
	whole, err := json.Marshal(merged)
	if err != nil {
		return nil, fmt.Errorf("merge rules: %w", err)
	}
	return s.changeRules(whole)
}

func (s *Simulator) changeRules(body []byte) (any, error) {
	var rules Rules
	if err := decodeStrict(body, &rules); err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if err := s.SetRules(rules); err != nil {
		return nil, err
	}
	return s.Rules(), nil
}

// postFaults adds one fault or a list of them; if one is invalid, none is added.
func (s *Simulator) postFaults(r *http.Request) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	faults := make([]Fault, 1)
	var target any = &faults[0]
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		target = &faults
	}
	if err := decodeStrict(body, target); err != nil {
		return nil, fmt.Errorf("read faults: %w", err)
	}
	for i, f := range faults {
		if err := f.Validate(); err != nil {
			return nil, fmt.Errorf("faults[%d]: %w", i, err)
		}
	}
	for _, f := range faults {
		if err := s.AddFault(f); err != nil {
			return nil, err
		}
	}
	return s.Faults(), nil
}

func (s *Simulator) getMessages(r *http.Request) (any, error) {
	query := r.URL.Query()
	for name := range query {
		if name != "since" && name != "limit" && name != "user" {
			return nil, fmt.Errorf("unknown parameter %q: use since, limit and user", name)
		}
	}
	since, err := number(query.Get("since"))
	if err != nil {
		return nil, fmt.Errorf("since: %w", err)
	}
	limit, err := number(query.Get("limit"))
	if err != nil {
		return nil, fmt.Errorf("limit: %w", err)
	}
	return s.messages(since, int(limit), query.Get("user")), nil
}

func number(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is not a number from 0", text)
	}
	return n, nil
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxAdminBody+1))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if len(body) > maxAdminBody {
		return nil, fmt.Errorf("read body: more than %d bytes", maxAdminBody)
	}
	return body, nil
}

// decodeStrict reads exactly one JSON value and refuses unknown keys by name.
func decodeStrict(body []byte, target any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(target); err != nil {
		return fmt.Errorf("decode JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decode JSON: trailing data after the first value")
	}
	return nil
}

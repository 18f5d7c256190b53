package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/jsonbound"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/internal/textfile"
)

// read returns the body, if method, content type, size and signature are right.
func (h *Handler) read(source Source, w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := allow(source, w, r); err != nil {
		return nil, err
	}
	if err := intake.CheckKind(r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	limits := limitsOf(source)
	body, err := intake.Read(w, r, limits.bytes, intake.Whole)
	if errors.Is(err, problem.ErrTooLarge) {
		return nil, problem.As(problem.ErrTooLarge, fmt.Errorf("the body has more than %d bytes; %s", limits.bytes, limits.advice))
	}
	if err != nil { // it was too slow or cut off, or there is no memory for it
		return nil, &bodyError{err}
	}
	if source == Grafana {
		if err := h.cfg.Grafana.Verify(r.Header, body, time.Now()); err != nil {
			return nil, problem.As(problem.ErrUnauthorized, err)
		}
	}
	body = textfile.TrimMark(body)
	if source != Alertmanager && source != Grafana {
		body = repairJSON(body) // invalid JSON would fail the check of the bounds
	}
	err = intake.Bound(r.Context(), body, limits.bounds)
	if over, ok := errors.AsType[*jsonbound.Error](err); ok {
		return nil, &InvalidError{cmp.Or(over.Path, "the body"), over.Problem + "; " + limits.advice}
	}
	if err != nil {
		return nil, &bodyError{err}
	}
	return body, nil
}

// allow checks the method. Alertmanager always uses POST; others can be configured to PUT.
func allow(source Source, w http.ResponseWriter, r *http.Request) error {
	allowed := []string{http.MethodPost}
	if source != Alertmanager {
		allowed = append(allowed, http.MethodPut)
	}
	if slices.Contains(allowed, r.Method) {
		return nil
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return problem.As(problem.ErrMethod, errors.New("a webhook is posted"))
}

// limits are those of a source's body, with advice for its sender.
type limits struct {
	bytes  int64
	bounds jsonbound.Bounds
	advice string
}

func limitsOf(source Source) limits {
	if source == Alertmanager || source == Grafana {
		return limits{MaxBodyBytes, Bounds, "set max_alerts in the receiver, or drop labels"}
	}
	return limits{MaxSourceBodyBytes, SourceBounds, "let the source send less"}
}

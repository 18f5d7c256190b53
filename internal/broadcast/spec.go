package broadcast

import (
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
)

// Spec is the content and the settings of a broadcast.
type Spec struct {
	Template *compose.Template `json:"template"`
	// At is when it starts; zero for at once.
	At time.Time `json:"at,omitzero"`
	// ExpiresIn is how long after its start calls are made; 0 for no limit.
	ExpiresIn time.Duration `json:"expires_in,omitempty"`
	// Rate is the maximum number of recipients per minute; 0 for the app's own limit.
	Rate int `json:"rate,omitempty"`
	// Between are the hours in which it runs; zero for all.
	Between Hours `json:"between,omitzero"`
	// NeedsApproval makes it wait until somebody other than its creator approves it.
	NeedsApproval bool   `json:"needs_approval,omitempty"`
	CreatedBy     string `json:"created_by,omitempty"`
	// ReplayOf is the broadcast that it repeats, for the recipients who did not get that one.
	ReplayOf string `json:"replay_of,omitempty"`
}

// Validate reports the first invalid setting.
func (s Spec) Validate() error {
	switch {
	case s.Template == nil:
		return errors.New("broadcast: the template is missing")
	case s.Rate < 0:
		return fmt.Errorf("rate: %d recipients a minute is negative", s.Rate)
	case s.ExpiresIn < 0:
		return fmt.Errorf("expires_in: %s is negative", s.ExpiresIn)
	}
	return s.Between.Validate()
}

// first is the initial state of the broadcast.
func (s Spec) first() State {
	switch {
	case s.NeedsApproval:
		return AwaitingApproval
	case !s.At.IsZero():
		return Scheduled
	default:
		return Running
	}
}

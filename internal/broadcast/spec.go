package broadcast

import (
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
)

// Spec is what a broadcast says, and when.
type Spec struct {
	Template *compose.Template `json:"template"`
	// At is when it begins; zero for at once.
	At time.Time `json:"at,omitzero"`
	// ExpiresIn is how long after its beginning calls are still made; 0 for ever.
	ExpiresIn time.Duration `json:"expires_in,omitempty"`
	// Rate is how many recipients a minute it reaches at most; 0 for as many as the app may.
	Rate int `json:"rate,omitempty"`
	// Between are the hours in which it runs; zero for all.
	Between Hours `json:"between,omitzero"`
	// NeedsApproval makes it wait until somebody other than its creator approves it.
	NeedsApproval bool   `json:"needs_approval,omitempty"`
	CreatedBy     string `json:"created_by,omitempty"`
	// ReplayOf is the broadcast that it is sent for once more, to those who did not get it.
	ReplayOf string `json:"replay_of,omitempty"`
}

// Validate names the first setting that is wrong.
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

// first is the state in which the broadcast begins.
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

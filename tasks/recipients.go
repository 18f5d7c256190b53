package tasks

// Recipients counts the outcomes of the users, parties and tags that a message names; "@all" counts as one.
// Once the message is finished, each of them is counted exactly once.
type Recipients struct {
	// Accepted counts those that WeCom did not refuse. WeCom does not tell how many
	// members a party or tag has.
	Accepted   int      `json:"accepted"`
	Invalid    []string `json:"invalid"`    // user ids, in lower case as WeCom returns them
	Unlicensed []string `json:"unlicensed"` // user ids without a base-API licence

	InvalidParties []string `json:"invalid_parties,omitempty"`
	InvalidTags    []string `json:"invalid_tags,omitempty"`

	// Deferred counts the recipients of a follow-up message, which has a record of its own.
	Deferred int `json:"deferred,omitempty"`
	// Rejected, Unknown, Expired and Cancelled count those that share the state of
	// the whole message.
	Rejected  int `json:"rejected,omitempty"`
	Unknown   int `json:"unknown,omitempty"`
	Expired   int `json:"expired,omitempty"`
	Cancelled int `json:"cancelled,omitempty"`
}

// Refused counts those WeCom named as invalid or unlicensed.
func (r Recipients) Refused() int {
	return len(r.Invalid) + len(r.Unlicensed) + len(r.InvalidParties) + len(r.InvalidTags)
}

// Total counts everyone whose outcome is known.
func (r Recipients) Total() int {
	return r.Accepted + r.Refused() + r.Deferred + r.Rejected + r.Unknown + r.Expired + r.Cancelled
}

// WithOutcome gives the outcome of the message to the recipients that have none of their own. An unfinished
// message has no outcome yet.
func (r Recipients) WithOutcome(state State, named int) Recipients {
	rest := max(named-r.Accepted-r.Refused(), 0)
	switch state {
	case Accepted, Partial:
		r.Accepted += rest
	case Rejected:
		r.Rejected = rest
	case Unknown:
		r.Unknown = rest
	case Expired:
		r.Expired = rest
	case Cancelled:
		r.Cancelled = rest
	case Scheduled, Queued, Held, Sending:
	}
	return r
}

func (r Recipients) add(other Recipients) Recipients {
	r.Accepted += other.Accepted
	r.Invalid = append(r.Invalid, other.Invalid...)
	r.Unlicensed = append(r.Unlicensed, other.Unlicensed...)
	r.InvalidParties = append(r.InvalidParties, other.InvalidParties...)
	r.InvalidTags = append(r.InvalidTags, other.InvalidTags...)
	r.Deferred += other.Deferred
	r.Rejected += other.Rejected
	r.Unknown += other.Unknown
	r.Expired += other.Expired
	r.Cancelled += other.Cancelled
	return r
}

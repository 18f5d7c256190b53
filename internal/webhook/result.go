package webhook

// Result is what became of alerts that came by webhook.
type Result string

// The results.
const (
	Messaged    Result = "message"     // they are in a message of their own
	Digested    Result = "digested"    // they are in a member's digest
	Duplicate   Result = "duplicate"   // they came before
	Unaddressed Result = "unaddressed" // they name nobody, and nobody got them
	// Refused are not alerts but webhooks: they are answered by 4xx, and not sent again.
	Refused Result = "refused"
	// Fallback are alerts that were shown by another template, because their own
	// failed. They are counted a second time.
	Fallback Result = "fallback"
)

// Results lists all of them.
func Results() []Result {
	return []Result{Messaged, Digested, Duplicate, Unaddressed, Refused, Fallback}
}

// digests is where alerts of digests come from, as far as it is known.
const digests Source = "digest"

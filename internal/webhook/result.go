package webhook

// Result is the result for the alerts of a webhook.
type Result string

// The results.
const (
	Messaged    Result = "message"     // they are in a message of their own
	Digested    Result = "digested"    // they are in a member's digest
	Duplicate   Result = "duplicate"   // they were received before
	Unaddressed Result = "unaddressed" // they have no recipients, and nobody got them
	// Refused counts webhooks, not alerts: they were answered with 4xx, and are not retried.
	Refused Result = "refused"
	// Skipped are those that the mapping of their source leaves out.
	Skipped Result = "skipped"
	// Fallback are alerts that were rendered by another template, because their own, or the mapping of their source,
	// failed. They are counted under another result as well.
	Fallback Result = "fallback"
)

// Results lists all results.
func Results() []Result {
	return []Result{Messaged, Digested, Duplicate, Unaddressed, Refused, Skipped, Fallback}
}

// digests is the source of alerts in a digest, whose own source is no longer known.
const digests Source = "digest"

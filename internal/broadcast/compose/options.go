package compose

// Header says whether the first row of a list has the column names.
type Header string

const (
	// HeaderAuto treats the first row as a header if a cell is "userid", if the template uses columns, or if
	// its first cell is another common name of the recipient column, such as "工号".
	HeaderAuto Header = ""
	// HeaderYes means that there is one.
	HeaderYes Header = "yes"
	// HeaderNo means that there is none: the first column is the recipient, and columns are called "1", "2"
	// and so on.
	HeaderNo Header = "no"
)

// Options of [Compile]. The zero value is suitable for typical lists.
type Options struct {
	// Encoding is one of [Encodings], or "" to detect it. A byte order mark
	// overrides it.
	Encoding string
	Header   Header
	// SkipInvalid leaves out rows with a problem, which [Summary] counts, instead of rejecting the list.
	SkipInvalid bool
	// TempDir is where lists that do not fit into memory are sorted, "" for [os.TempDir].
	// It takes about twice the size of the list.
	TempDir string
	// Progress, if not nil, is called now and then with the number of rows read.
	Progress func(rows int)
}

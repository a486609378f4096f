package app

import (
	"io/fs"
	"maps"
	"os"
	"slices"
)

// watch notices that files have changed, by looking at them: that works for files that are replaced, for links that are turned to
// another file and for folders of other machines, where a system's notices do not.
type watch struct{ seen map[string]fs.FileInfo }

// look returns which of the files have changed, come or gone since the last look. Those that it is asked about for the first time have
// not.
func (w *watch) look(files []string) (changed []string) {
	now := map[string]fs.FileInfo{}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			info = nil // it is not there, or as good as not
		}
		now[file] = info
		if before, known := w.seen[file]; known && !same(before, info) {
			changed = append(changed, file)
		}
	}
	w.seen = now
	slices.Sort(changed)
	return slices.Compact(changed)
}

func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// merge adds names to a sorted list without doubling them.
func merge(list, more []string) []string {
	set := map[string]bool{}
	for _, s := range append(slices.Clone(list), more...) {
		set[s] = true
	}
	return slices.Sorted(maps.Keys(set))
}

"""What leaves a finished run: approved pictures, marked and signed, and the record in formats that other tools read.

- `view`: the run as it stands now, with what people decided since it was judged, and pictures whose bytes are checked
- `delivery`: approved pictures in a folder of their own, with a contact sheet and a manifest; `check` verifies one
- `tables`: decisions, findings and people's labels as CSV or Parquet
- `coco`, `fiftyone`, `labelstudio`: places in pictures for tools that show and label them

A run is never changed by an export. No name of the record becomes a path: see `names`.
"""

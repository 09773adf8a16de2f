"""Models of simulated data sets, whose columns bear the channels' names."""

from engine.config.model import ChannelColumns, Controls, Data, Model
from engine.data.dataset import Dataset


def model_of(dataset: Dataset) -> Model:
    """The model that names every channel and control of a data set."""
    channels = {
        name: ChannelColumns(kind=kind, spend=name) for name, kind in zip(dataset.channels, dataset.kinds, strict=True)
    }
    return Model(
        data=Data(date="date", outcome="revenue"),
        channels=channels,
        controls=Controls(columns=dataset.control_names),
    )

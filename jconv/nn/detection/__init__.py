"""Boxes, detection loss and the detector."""

from jconv.nn.detection._boxes import box_area, box_iou, generalized_iou, non_max_suppression
from jconv.nn.detection._detection_loss import assign_boxes, detection_loss
from jconv.nn.detection._detector import Detections, Detector, DetectorOutput, Places, detections

__all__ = [
    "Detections",
    "Detector",
    "DetectorOutput",
    "Places",
    "assign_boxes",
    "box_area",
    "box_iou",
    "detection_loss",
    "detections",
    "generalized_iou",
    "non_max_suppression",
]

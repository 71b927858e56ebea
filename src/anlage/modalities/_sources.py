"""The papers that policies name, beside the design rules: each name with where to find it."""

from __future__ import annotations

__all__ = ["SOURCES"]

SOURCES = {
    "Ali 2021": "Ali et al., Deep learning for detection and segmentation of artefact and disease "
    "instances in gastrointestinal endoscopy, Medical Image Analysis 70:102002, 2021.",
    "Azizi 2021": "Azizi et al., Big self-supervised models advance medical image classification, "
    "ICCV 2021, arXiv:2101.05224.",
    "Barata 2015": "Barata, Celebi and Marques, Improving dermoscopy image classification using "
    "color constancy, IEEE JBHI 19(3):1146-1152, 2015, 10.1109/JBHI.2014.2336473.",
    "Barrett 2004": "Barrett and Keat, Artifacts in CT: recognition and avoidance, "
    "RadioGraphics 24(6):1679-1691, 2004.",
    "Bissoto 2019": "Bissoto et al., (De)constructing bias on skin lesion datasets, CVPR "
    "workshops 2019, arXiv:1904.08818.",
    "Boellaard 2015": "Boellaard et al., FDG PET/CT: EANM procedure guidelines for tumour "
    "imaging, version 2.0, EJNMMI 42:328-354, 2015, 10.1007/s00259-014-2961-x.",
    "Burckhardt 1978": "Burckhardt, Speckle in ultrasound B-mode scans, IEEE Trans. Sonics "
    "Ultrason. 25(1):1-6, 1978.",
    "De Fauw 2018": "De Fauw et al., Clinically applicable deep learning for diagnosis and "
    "referral in retinal disease, Nature Medicine 24:1342-1350, 2018.",
    "Finlayson 2004": "Finlayson and Trezzi, Shades of gray and colour constancy, Color Imaging "
    "Conference 12:37-41, 2004.",
    "Fu 2019": "Fu et al., Evaluation of retinal image quality assessment networks in different "
    "color-spaces, MICCAI 2019, arXiv:1907.05345.",
    "Glocker 2019": "Glocker et al., Machine learning with multi-site imaging data: an empirical "
    "study on the impact of scanner effects, 2019, arXiv:1910.04597.",
    "Howard 2021": "Howard et al., The impact of site-specific digital histology signatures on "
    "deep learning model accuracy and bias, Nature Communications 12:4423, 2021.",
    "Jiang 2024": "Jiang, Rangnekar and Veeraraghavan, Self-supervised learning improves "
    "robustness of deep learning lung tumor segmentation models to CT imaging differences, "
    "2024, arXiv:2405.08657.",
    "Macenko 2009": "Macenko et al., A method for normalizing histology slides for quantitative "
    "analysis, ISBI 2009.",
    "Oakden-Rayner 2020": "Oakden-Rayner et al., Hidden stratification causes clinically "
    "meaningful failures in machine learning for medical imaging, CHIL 2020, arXiv:1909.12475.",
    "Padhani 2009": "Padhani et al., Diffusion-weighted magnetic resonance imaging as a cancer "
    "biomarker: consensus and recommendations, Neoplasia 11(2):102-125, 2009.",
    "Perez-Garcia 2021": "Perez-Garcia, Sparks and Ourselin, TorchIO: a Python library for "
    "efficient loading, preprocessing, augmentation and patch-based sampling of medical images "
    "in deep learning, CMPB 208:106236, 2021.",
    "Ruifrok 2001": "Ruifrok and Johnston, Quantification of histochemical staining by color "
    "deconvolution, Anal. Quant. Cytol. Histol. 23(4):291-299, 2001.",
    "Schmitt 1999": "Schmitt, Xiang and Yung, Speckle in optical coherence tomography, J. Biomed. "
    "Opt. 4(1):95-105, 1999.",
    "Sowrirajan 2021": "Sowrirajan et al., MoCo pretraining improves representation and "
    "transferability of chest X-ray models, MIDL 2021, arXiv:2010.05352.",
    "VanBerlo 2025": "VanBerlo et al., The efficacy of semantics-preserving transformations in "
    "self-supervised learning for medical ultrasound, Bioengineering 12(8):855, 2025, "
    "arXiv:2504.07904.",
    "Vu 2021": "Vu et al., MedAug: contrastive learning leveraging patient metadata improves "
    "representations for chest X-ray interpretation, MLHC 2021, arXiv:2102.10663.",
    "Winkler 2019": "Winkler et al., Association between surgical skin markings in dermoscopic "
    "images and diagnostic performance of a deep learning convolutional neural network, JAMA "
    "Dermatology 155(10):1135-1141, 2019.",
    "Zech 2018": "Zech et al., Variable generalization performance of a deep learning model to "
    "detect pneumonia in chest radiographs, PLOS Medicine 15(11):e1002683, 2018.",
    "anatomy": "Stated from anatomy, without a study.",
    "physics": "Stated from how such images are made, without a study.",
}
